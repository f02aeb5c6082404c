"""Git: a table of tags, as ``git for-each-ref refs/tags`` or a release script writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rca.logs.events.canonical import ALIASES, plain_name
from rca.logs.events.source import Draft, Parsed, Record, Source
from rca.logs.events.values import first, text
from rca.logs.events.versions import chained

_TAGS = ("tag", "tag_name", "refname", "ref_name")
_COMMITS = ("commit", "sha", "hash", "objectname", "object", "commit_sha")
_TIMES = (*ALIASES["ts"], "creatordate", "taggerdate", "committerdate", "commit_date")
_OTHER = frozenset(("kind", "event_kind", "type", "event_type", "event_id", "environment"))


def sniff(record: Mapping[str, Any]) -> float:
    """Return how surely a record is a tag: it has a tag, a commit and a time, and no kind."""
    keys = set(map(plain_name, record))
    told = all(keys.intersection(known) for known in (_TAGS, _COMMITS, _TIMES))
    return 0.7 if told and not keys & _OTHER else 0.0


def parse(records: Sequence[Record]) -> Parsed:
    """Yield a release for each tag."""
    return chained(_tag(record) for record in records)


def _tag(record: Record) -> Draft:
    row = {plain_name(name): value for name, value in record.value.items()}
    tag = (text(first(*map(row.get, _TAGS))) or "").removeprefix("refs/tags/")
    commit = text(first(*map(row.get, _COMMITS)))
    return Draft(
        record.where,
        ts=first(*map(row.get, _TIMES)),
        kind="release",
        event_id=f"tag-{tag}",
        title=first(row.get("subject"), row.get("message"), row.get("title"), f"tag {tag}"),
        service=first(row.get("service"), row.get("repository"), row.get("repo")),
        version=tag,
        actor=first(row.get("author"), row.get("taggername"), row.get("tagger")),
        scope={"commit": commit},
    )


GIT_TAGS = Source("git tags", sniff, parse)
