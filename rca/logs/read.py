"""Logs from files, frames and relations."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rca.engine import Engine, connect
from rca.errors import CorruptFileError, EmptyLogError, MissingFileError, RCAError, listed
from rca.logs.canonical import canonical
from rca.logs.convert import SMALL, convert
from rca.logs.flat import flat
from rca.logs.intake import Intake
from rca.logs.normal import contract_rule, normalised
from rca.logs.progress import Progress
from rca.logs.report import bookkept, of_converted, of_flat
from rca.logs.sources.bentoml import roles
from rca.logs.take import Taken, readable, sniffed, take
from rca.model.logs import Logs

_HIDDEN = (".", "_")


def read_logs(
    source: Any,
    *,
    mapping: Mapping[str, str] | None = None,
    engine: Engine | None = None,
    prices: Any = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Logs:
    """Open a log of requests or predictions; nothing is pulled into Python.

    What wrote a file is told by its content, never by its name: OpenTelemetry, Phoenix, Langfuse,
    LangSmith, LiteLLM, OpenAI usage, Helicone, Weave, MLflow, KServe, SageMaker, Databricks and
    Inspect exports are known, and any other CSV, JSON or Parquet is read by the names of its
    columns. ``logs.intake`` is the report of what was taken for what.

    Parameters
    ----------
    source : path, glob, frame, relation, or list of paths
        A file, packed or not, or a folder of them; a pandas, polars or Arrow table; a DuckDB
        relation.
    mapping : mapping of canonical column to column name, optional
        For names that are not understood: ``{"ts": "when", "latency_ms": "took"}``.
    engine : Engine, optional
        Where to open it; a new one in this process by default.
    prices : mapping or path, optional
        Dollars per million tokens, to compute the cost of rows that have none logged:
        ``{"gpt-4o": {"input": 2.5, "cached": 1.25, "output": 10}}`` or a CSV file.
    cache : bool
        Whether large text exports, once parsed, are kept in the platform's cache folder.
    progress : callable, optional
        Called with the share done, from 0 to 1; by default a terminal shows a bar.

    Returns
    -------
    Logs
        In canonical columns. All other columns are kept.

    Raises
    ------
    MissingFileError, EmptyLogError, MissingColumnError, BadValueError, CorruptFileError
        What was wrong, what was given and what to do.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"start_time": ["2026-03-01T00:00:00Z"], "prompt_tokens": [12]})
    >>> read_logs(frame).columns
    {'ts': 'time', 'input_tokens': 'number'}
    """
    engine = engine or connect()
    if isinstance(source, Logs):
        return source
    if not isinstance(source, (str, Path, list, tuple)):
        relation = engine.register(source)
        logs = canonical(engine, relation, mapping=mapping, source=f"a {type(source).__name__}")
        rule = contract_rule([engine.schema(relation)])
        return normalised(logs, token_rule=rule, prices=prices)
    paths = files(source)
    name = str(source) if isinstance(source, (str, Path)) else f"{len(paths)} files"
    takens = [take(path) for path in paths]
    if len(takens) == 1 and takens[0].takes == "nothing":
        raise _refusal(takens[0])
    chosen = readable(takens, name)
    try:
        if chosen[0].source is None:
            logs = _flat(engine, takens, chosen, mapping, name, cache, progress)
            rule = contract_rule(taken.head.records[0] for taken in chosen)
        else:
            logs = _known(engine, takens, chosen, name, cache, progress)
            if mapping:
                again = canonical(engine, logs.relation, mapping=mapping, source=name)
                logs = replace(logs, relation=again.relation, columns=again.columns)
            rule = chosen[0].source.token_rule
        return normalised(logs, token_rule=rule, prices=prices)
    except CorruptFileError as error:
        raise CorruptFileError(f"{name}: {error} Export it again.") from error


def sniff(paths: Any) -> Intake:
    """Return what files are taken for and why, without reading them whole.

    Parameters
    ----------
    paths : path, glob, folder, or list of them

    Returns
    -------
    Intake
        One row a file: format, confidence, reason; for an unknown table, which of its columns
        may be which canonical one. Weak proposals are shown, never applied.

    Raises
    ------
    MissingFileError
        There is nothing of that name.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "requests.csv"
    >>> _ = place.write_text("timestamp,latency_ms\\n2026-03-01T00:00:00Z,812\\n")
    >>> sniff(place).table[["file", "format"]].values.tolist()
    [['requests.csv', 'CSV of rows']]
    """
    return sniffed(files(paths))


def files(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files that a path, glob, folder or list of them names, in order of name."""
    if isinstance(source, (list, tuple)):
        return [path for part in source for path in files(part)]
    path = Path(str(source)).expanduser()
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file() and not _is_hidden(p, path))
    elif path.exists():
        found = [path]
    else:
        # Path.glob takes no absolute pattern.
        matches = glob.glob(str(path), recursive=True)  # noqa: PTH207
        found = sorted(p for p in map(Path, matches) if p.is_file())
    if not found:
        raise MissingFileError(f"no log at {str(source)!r}. Give a file, a folder or a glob.")
    return found


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(_HIDDEN) for part in path.relative_to(folder).parts)


def _refusal(taken: Taken) -> RCAError:
    path = taken.head.path
    if taken.head.no_rows in ("empty", "blank"):
        return EmptyLogError(f"{path.name} is {taken.head.no_rows}: it has no rows.")
    return CorruptFileError(f"{path.name} cannot be read as a log: {taken.why}. Export it again.")


def _flat(
    engine: Engine,
    takens: Sequence[Taken],
    chosen: Sequence[Taken],
    mapping: Mapping[str, str] | None,
    name: str,
    cached: bool,
    progress: Progress | None,
) -> Logs:
    heads = [taken.head for taken in chosen]
    relation = flat(engine, heads, small=SMALL, cached=cached, progress=progress)
    rows = bookkept(engine, relation)
    known, here = roles([taken.head for taken in takens]), engine.schema(rows)
    mapping = {name: at for name, at in known.items() if at in here} | dict(mapping or {})
    logs = canonical(engine, rows, mapping=mapping, source=name)
    report = of_flat(engine, relation, logs, takens, mapping)
    return replace(logs, intake=report, caveats=(*logs.caveats, *report.caveats))


def _known(
    engine: Engine,
    takens: Sequence[Taken],
    chosen: Sequence[Taken],
    name: str,
    cached: bool,
    progress: Progress | None,
) -> Logs:
    source = chosen[0].source
    assert source is not None, "only files of a known source come here"
    heads = [taken.head for taken in chosen]
    relation = convert(engine, source, heads, cached=cached, progress=progress)
    report, rows, columns = of_converted(engine, relation, source, takens)
    if not columns:
        lost = [f"{n:,} {why}" for why, n in report.left_out.items()]
        why = f" (left out: {listed(lost)})" if lost else ""
        raise EmptyLogError(f"{name} has no rows of requests{why}. Give a log with at least one.")
    logs = Logs(engine, rows, columns, name, report.caveats, intake=report)
    return _completed(logs, source.name, takens)


def _completed(logs: Logs, name: str, takens: Sequence[Taken]) -> Logs:
    """Return the log with what other files say of its traces, such as their users."""
    others = [taken for taken in takens if taken.source and name in taken.source.completes]
    if not others or not logs.has("trace_id"):
        return logs
    source = others[0].source
    assert source is not None, "chosen by its source"
    relation = convert(logs.engine, source, [taken.head for taken in others], cached=False)
    traces = f"(select trace_id, {_any_of(source.columns)} from {relation} group by trace_id)"
    told = logs.engine.one(f"select {_counts(source.columns)} from {relation}")
    added = [column for column in source.columns if column != "trace_id" and told[column]]
    ident = logs.engine.dialect.ident
    kept = ", ".join(f"l.{ident(column)}" for column in logs.columns if column not in added)
    made = ", ".join(
        (f"coalesce(l.{column}, t.{column})" if logs.has(column) else f"t.{column}")
        + f" as {column}"
        for column in added
    )
    if not added:
        return logs
    view = logs.engine.view(
        f"select {kept}, {made} from {logs.relation} as l left join {traces} as t "
        "on l.trace_id = t.trace_id"
    )
    return replace(logs, relation=view, columns=dict(logs.columns) | dict.fromkeys(added, "text"))


def _any_of(columns: Mapping[str, str]) -> str:
    return ", ".join(f"max({name}) as {name}" for name in columns if name != "trace_id")


def _counts(columns: Mapping[str, str]) -> str:
    return ", ".join(f"count({name}) as {name}" for name in columns)
