"""Tables in, figures out: a module for each verb, one look for all."""
