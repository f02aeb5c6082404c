"""Bridges to other tools: one package each, imported when used."""
