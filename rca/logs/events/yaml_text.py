"""Kubernetes-style YAML, read as plain text values: no tags, no anchors, nothing guessed."""

from __future__ import annotations

from typing import Any

import yaml

from rca.errors import CorruptFileError
from rca.logs.events.source import Record

MAX_CHARACTERS = 16 * 1024 * 1024


class _PlainLoader(yaml.BaseLoader):
    """Every scalar stays text (``no`` is no truth value), and an alias is refused.

    Aliases are how a small file grows without bound; exports of a cluster never need them.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            parser: Any = self
            mark = parser.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="an alias (*name) is refused", problem_mark=mark)
        return super().compose_node(parent, index)


def yaml_records(plain: str, label: str) -> list[Record]:
    """Return the documents of a YAML text that are objects."""
    if len(plain) > MAX_CHARACTERS:
        raise CorruptFileError(
            f"{label} holds more than {MAX_CHARACTERS >> 20} MB of YAML. Export JSON instead."
        )
    records = []
    try:
        for number, document in enumerate(yaml.load_all(plain, Loader=_PlainLoader), start=1):
            if isinstance(document, dict):
                records.append(Record(document, f"{label}, document {number}"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f", line {mark.line + 1}"
        raise CorruptFileError(f"{label}{line} is not plain YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise CorruptFileError(f"{label} is not YAML: {error}.") from error
    except RecursionError as error:
        raise CorruptFileError(f"{label} is nested too deeply.") from error
    return records
