"""BentoML's monitoring: plain JSON lines, beside a schema that says which column is what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rca.logs.files.head import Head, read_head
from rca.logs.sources.base import Record, Source

_ROLES = {"prediction": "prediction", "target": "label"}


def _sniff(record: Record) -> float:
    columns = record.get("columns")
    if not (isinstance(columns, list) and "meta_data" in record):
        return 0.0
    return 1.0 if columns and all(isinstance(c, dict) and "role" in c for c in columns) else 0.0


SCHEMA = Source(
    name="bentoml-schema",
    title="BentoML monitoring (schema)",
    sniff=_sniff,
    columns={},
    holds_requests=False,
    gives="time, request and trace id, features, prediction and target by their roles",
    lacks="rows: it is the schema of those in data/",
)


def roles(heads: Iterable[Head]) -> Mapping[str, str]:
    """Return which columns are the prediction and the label, by the schemas beside some data.

    A schema is looked for among the files and, by BentoML's layout, in ``../schema``.
    """
    found: dict[str, str] = {}
    for head in (*heads, *_beside(heads)):
        for record in head.records:
            if _sniff(record):
                for column in record["columns"]:
                    name = _ROLES.get(str(column.get("role")))
                    if name and column.get("name"):
                        found.setdefault(name, str(column["name"]))
    return found


def _beside(heads: Iterable[Head]) -> list[Head]:
    folders = {head.path.parent for head in heads if head.path.parent.name == "data"}
    paths: list[Path] = []
    for folder in sorted(folders):
        paths += sorted((folder.parent / "schema").glob("schema.*"))
    return [read_head(path) for path in paths]
