"""The verbs: each takes a comparison or an incident and returns one Result."""
