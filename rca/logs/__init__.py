"""Readers of exports: any file, frame or folder that an investigator holds, as nouns."""

from rca.logs.events import read_events
from rca.logs.incident import read_incident
from rca.logs.read import read_logs, sniff

__all__ = ["read_events", "read_incident", "read_logs", "sniff"]
