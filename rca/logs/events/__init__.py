"""Readers of event exports: one function for all of them."""

from rca.logs.events.reader import read_events

__all__ = ["read_events"]
