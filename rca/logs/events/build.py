"""From drafts of all sources to events: times, kinds and ids settled in one place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from rca.errors import BadValueError, listed
from rca.logs.events.kinds import kind_of
from rca.logs.events.source import Draft, LeftOut, Parsed, Remark
from rca.logs.events.times import is_missing, read_time
from rca.logs.events.values import names, simple, text
from rca.model.event import EVENT_COLUMNS, EVENT_KINDS, Event

_MAX_TITLE = 500
_TEXTS = ("service", "target", "from_version", "version", "environment", "status", "actor", "url")


@dataclass
class Tally:
    """What the reader of one call has to say, counted while it reads."""

    aware: int = 0
    naive: list[str] = field(default_factory=list)
    date_only: list[str] = field(default_factory=list)
    no_kind: list[str] = field(default_factory=list)
    ends_before: list[str] = field(default_factory=list)
    bad_ends: list[str] = field(default_factory=list)
    mapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    remarks: dict[str, None] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def caveats(self) -> Iterator[str]:
        """Yield one sentence for each thing that was assumed or left out."""
        yield from self.remarks
        for reason, places in self.left_out.items():
            yield f"left out {_rows(places)}: {reason} ({_places(places)})"
        if self.naive:
            mixed = f", mixed with {self.aware} that name one" if self.aware else ""
            yield (
                f"{_times(len(self.naive))} without a zone taken as UTC{mixed}"
                f" ({_places(self.naive)})"
            )
        if self.date_only:
            yield (
                f"{_times(len(self.date_only))} with a date only taken as midnight UTC"
                f" ({_places(self.date_only)})"
            )
        if self.ends_before:
            yield f"an end before its start was dropped ({_places(self.ends_before)})"
        if self.bad_ends:
            yield f"an end that is no time was dropped ({_places(self.bad_ends)})"
        if self.no_kind:
            yield f"without a kind, taken as annotation: {_places(self.no_kind)}"
        for (word, kind), n in self.mapped.items():
            yield f"kind {word!r} taken as {kind} ({n} event{'s' * (n > 1)})"
        if self.unknown:
            kept = ", ".join(f"{word!r} ({n})" for word, n in self.unknown.items())
            yield f"unknown kinds kept as they are: {kept}. Known: {', '.join(EVENT_KINDS)}"


def build(drafts: Parsed, tally: Tally, *, strict: bool) -> Iterator[Event]:
    """Yield the events of one source; a row that is none is counted in ``tally``."""
    for draft in drafts:
        if isinstance(draft, LeftOut):
            tally.left_out[draft.reason].append(draft.where)
            continue
        if isinstance(draft, Remark):
            tally.remarks[draft.text] = None
            continue
        event = _event(draft, tally, strict)
        if event is not None:
            yield event


def _event(draft: Draft, tally: Tally, strict: bool) -> Event | None:
    ts = _time(draft.ts, draft.where, tally, strict, needed=True)
    if ts is None:
        return None
    end = _time(draft.ts_end, draft.where, tally, strict, needed=False)
    if end is not None and end < ts:
        tally.ends_before.append(draft.where)
        end = None
    return Event(
        event_id=text(draft.event_id) or "",
        ts=ts,
        ts_end=end,
        kind=_kind(draft, tally),
        title=" ".join((text(draft.title) or "").split())[:_MAX_TITLE],
        inputs=names(draft.inputs),
        outputs=names(draft.outputs),
        inferred=str(draft.inferred).strip().lower() in {"true", "1", "1.0", "yes", "t"},
        scope=_scope(draft.scope),
        **{name: text(getattr(draft, name)) for name in _TEXTS},
    )


def _time(value: Any, where: str, tally: Tally, strict: bool, *, needed: bool) -> datetime | None:
    if is_missing(value):
        if needed and strict:
            raise BadValueError(f"{where} has no time. Give each event a time or remove the row.")
        if needed:
            tally.left_out["no time"].append(where)
        return None
    try:
        moment = read_time(value)
    except ValueError as error:
        if strict:
            raise BadValueError(
                f"{where}: {text(value)!r:.80} is not a time ({error})."
                " Write it as 2026-03-01T12:00:00Z."
            ) from error
        if needed:
            tally.left_out[f"unreadable time ({error})"].append(where)
        else:
            tally.bad_ends.append(where)
        return None
    if moment.date_only:
        tally.date_only.append(where)
    elif moment.naive:
        tally.naive.append(where)
    else:
        tally.aware += 1
    return moment.time


def _kind(draft: Draft, tally: Tally) -> str:
    word = text(draft.kind)
    if word is None:
        tally.no_kind.append(draft.where)
        return "annotation"
    if word in EVENT_KINDS:
        return word
    kind = kind_of(word)
    if kind is None:
        tally.unknown[word] += 1
        return word
    tally.mapped[word, kind] += 1
    return kind


def _scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scope in comparable values, under names that are no canonical column's."""
    clean = {name: simple(value) for name, value in scope.items()}
    return {
        f"{name}_" if name in EVENT_COLUMNS else name: value
        for name, value in clean.items()
        if value is not None
    }


def settle_ids(events: Sequence[Event]) -> tuple[tuple[Event, ...], list[str]]:
    """Give each event an id of its own; keep once what was given twice. Caveats come second."""
    once: list[Event] = []
    seen: dict[str, list[Event]] = defaultdict(list)
    repeated: Counter[str] = Counter()
    n_twice = 0
    for event in events:
        if event.event_id and event in seen[event.event_id]:
            n_twice += 1
            continue
        seen[event.event_id].append(event)
        once.append(event)
    taken = {event.event_id for event in once}
    used: set[str] = set()
    settled = []
    for number, event in enumerate(once, start=1):
        wanted = event.event_id or f"{event.kind}-{number}"
        if event.event_id and wanted in used:
            repeated[wanted] += 1
        settled.append(replace(event, event_id=_free(wanted, event.event_id, taken, used)))
        used.add(settled[-1].event_id)
    return tuple(settled), list(_id_caveats(n_twice, repeated))


def _free(wanted: str, given: str, taken: set[str], used: set[str]) -> str:
    """Return the id wanted, or with -2, -3, ... when another event has it."""
    if wanted not in used and (given or wanted not in taken):
        return wanted
    number = 2
    while f"{wanted}-{number}" in taken | used:
        number += 1
    return f"{wanted}-{number}"


def _id_caveats(n_twice: int, repeated: Counter[str]) -> Iterator[str]:
    if n_twice:
        yield f"{n_twice} event{'s' * (n_twice > 1)} given twice kept once"
    if repeated:
        yield (
            f"event id used more than once, made unique with -2, -3: {listed(repeated, limit=5)}"
        )


def _places(places: Sequence[str], limit: int = 3) -> str:
    shown = list(dict.fromkeys(places))
    more = f", and {len(shown) - limit} more" if len(shown) > limit else ""
    return "; ".join(shown[:limit]) + more


def _rows(places: Sequence[str]) -> str:
    return f"{len(places)} row{'s' * (len(places) > 1)}"


def _times(n: int) -> str:
    return f"{n} time{'s' * (n > 1)}"
