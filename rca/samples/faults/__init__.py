"""Faults to plant, by where they come from. Each function takes a world and returns a fault."""
