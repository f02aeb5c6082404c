"""A log of requests or predictions: lazy, in the engine, in canonical columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import floor
from typing import TYPE_CHECKING, Any, Literal

from rca.engine import Engine
from rca.engine.sql import both, count_if
from rca.errors import MissingColumnError
from rca.model.window import Window, at

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "text", "bool", "time", "other"]

#: Columns that name one row or one call: never a dimension.
IDENTIFIERS = frozenset({"request_id", "trace_id", "span_id", "parent_id", "id"})
#: Columns that cluster rows: dimensions too, when few callers can carry a shift.
CLUSTERS = ("user_id", "session_id", "tenant")
#: Columns that say how a call ended: what metrics are made of, so no dimensions by default.
OUTCOMES = frozenset(
    {
        "status",
        "error_type",
        "http_status",
        "finish_reason",
        "prediction",
        "label",
        "score",
        "correct",
        "flagged",
        "retries",
    }
)
#: Free text, read only on demand.
TEXTS = frozenset({"input", "output"})
#: Canonical measurements: features by nature, whatever their number of distinct values.
MEASURES = frozenset(
    {
        "latency_ms",
        "ttft_ms",
        "retrieval_ms",
        "input_tokens",
        "cached_input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "cost_usd",
        "weight",
        "score",
        "retries",
    }
)
_FEW_NUMBERS = 12
_PROFILE_ROWS = 200_000


@dataclass(frozen=True, eq=False)
class Logs:
    """Rows that nothing has pulled into Python: a relation in an engine and its columns.

    Attributes
    ----------
    engine, relation
        Where the rows are, and the (quoted) name they have there.
    columns : mapping of str to kind
        Canonical columns first: ``ts`` is a naive UTC timestamp, ``status`` text, and so on.
    source : str
        Where they came from, in words and as the argument of ``read_logs``.
    caveats : tuple of str
        What reading them brought up: duplicates, dropped rows, columns left out.
    repeats : str or None
        Relation with the times (``ts``) of rows left out because they repeat a request id.
    """

    engine: Engine
    relation: str
    columns: Mapping[str, Kind]
    source: str = ""
    caveats: tuple[str, ...] = ()
    intake: Any = field(default=None, repr=False)
    repeats: str | None = None

    def has(self, *names: str) -> bool:
        """Tell whether all of these columns are there."""
        return all(name in self.columns for name in names)

    def need(self, name: str) -> str:
        """Return a column's quoted name, or raise MissingColumnError with the nearest one."""
        if name not in self.columns:
            raise MissingColumnError.of(name, self.columns)
        return self.engine.dialect.ident(name)

    def where(self, predicate: str) -> Logs:
        """Return the rows for which an SQL condition is true, as lazy as these."""
        sql = f"select * from {self.relation} where {predicate}"
        return replace(self, relation=self.engine.view(sql))

    def kept(self, columns: tuple[str, ...], predicate: str = "true") -> Logs:
        """Return these columns of some rows, read once and kept where later queries find them."""
        names = ", ".join(map(self.need, columns))
        sql = f"select {names} from {self.relation} where {predicate}"
        return replace(
            self,
            relation=self.engine.materialise(sql),
            columns={name: self.columns[name] for name in columns},
        )

    @cached_property
    def n_rows(self) -> int:
        """The number of rows."""
        return int(self.engine.one(f"select count(*) as n_ from {self.relation}")["n_"])

    @cached_property
    def span(self) -> Window | None:
        """The time from the first row to just after the last, or None without times."""
        if "ts" not in self.columns:
            return None
        epoch = self.engine.dialect.epoch
        row = self.engine.one(
            f"select {epoch('min(ts)')} as low_, {epoch('max(ts)')} as high_ from {self.relation}"
        )
        if row["low_"] is None:
            return None
        return Window(at(floor(row["low_"] * 1e3) / 1e3), at(row["high_"] + 0.001))

    @cached_property
    def profile(self) -> Mapping[str, Mapping[str, Any]]:
        """Of each text, bool or number column: distinct values, nulls and mean length.

        Read from the first rows of a large log (it only chooses which columns are dimensions).
        """
        ident = self.engine.dialect.ident
        wanted = {
            name: kind for name, kind in self.columns.items() if kind in ("text", "bool", "number")
        }
        if not wanted:
            return {}
        parts = ["count(*) as n_"]
        for index, (name, kind) in enumerate(wanted.items()):
            column = ident(name)
            length = f"avg(length({column}))" if kind == "text" else "null"
            parts += [
                f"approx_count_distinct({column}) as d{index}_",
                f"{count_if(f'{column} is null')} as m{index}_",
                f"{length} as l{index}_",
            ]
        sample = self.engine.sample(self.relation, _PROFILE_ROWS)
        row = self.engine.one(f"select {', '.join(parts)} from {sample}")
        return {
            name: {
                "n": row["n_"],
                "distinct": row[f"d{index}_"],
                "nulls": row[f"m{index}_"],
                "length": row[f"l{index}_"],
            }
            for index, name in enumerate(wanted)
        }

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """Columns to slice by: texts, flags and small integers that are no ids and no outcomes."""
        return tuple(name for name in self.profile if self._is_dimension(name))

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Numeric columns that are measured rather than chosen from a few values."""
        return tuple(
            name
            for name, kind in self.columns.items()
            if kind == "number" and name not in IDENTIFIERS and name not in self.dimensions
        )

    def _is_dimension(self, name: str) -> bool:
        facts = self.profile[name]
        seen = max(1, facts["n"] - facts["nulls"])
        if name in IDENTIFIERS | OUTCOMES | TEXTS | MEASURES or facts["distinct"] < 1:
            return False
        if self.columns[name] == "number":
            return bool(facts["distinct"] <= _FEW_NUMBERS)
        if name in CLUSTERS:
            return True
        wordy = (facts["length"] or 0) > 80
        return not wordy and not (facts["distinct"] > 0.5 * seen and seen > 50)

    def sql(self, columns: str = "*", *conditions: str, limit: int | None = None) -> str:
        """Return the query of some columns of some rows."""
        tail = f" limit {limit}" if limit is not None else ""
        return f"select {columns} from {self.relation} where {both(*conditions)}{tail}"

    def head(self, n: int = 5) -> pd.DataFrame:
        """Return the first rows as a pandas frame."""
        frame: pd.DataFrame = self.engine.table(self.sql(limit=n)).to_pandas()
        return frame

    def __str__(self) -> str:
        span = f", {self.span}" if self.span else ""
        return f"{self.n_rows:,} rows of {len(self.columns)} columns from {self.source}{span}"

    def _repr_html_(self) -> str:
        from rca.model.render import result_html

        return result_html(str(self), self.caveats, self.head())
