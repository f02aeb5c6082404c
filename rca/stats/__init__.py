"""Numbers in, small frozen results out: no logs, no engine, no nouns of the product."""
