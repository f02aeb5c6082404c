"""What a verb returns: a table, a sentence, a picture, findings and caveats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rca.model.finding import Finding
from rca.model.render import result_html

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Result(ABC):
    """The answer of one verb.

    Attributes
    ----------
    table : pandas.DataFrame
        The answer in full; its columns are declared in :attr:`columns` and are public.
    caveats : tuple of str
        What a reader must know before believing the answer.
    call : str
        The Python call that computes it again.
    sql : tuple of str
        The queries that were run, in order.
    """

    columns: ClassVar[Mapping[str, str]] = {}
    #: The columns that a reader is shown first, where all are too many.
    shown: ClassVar[tuple[str, ...]] = ()

    table: pd.DataFrame
    caveats: tuple[str, ...] = ()
    call: str = ""
    sql: tuple[str, ...] = ()

    @abstractmethod
    def summary(self) -> str:
        """Return the answer in one sentence: number, unit, n."""

    @abstractmethod
    def plot(self) -> go.Figure:
        """Return the answer as an interactive figure."""

    @abstractmethod
    def findings(self) -> tuple[Finding, ...]:
        """Return the claims that the answer supports, each with its numbers."""

    def __str__(self) -> str:
        return "\n".join([self.summary(), *(f"- {caveat}" for caveat in self.caveats)])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show a notebook without HTML the sentence and the caveats, not every field."""
        printer.text("..." if cycle else str(self))

    def _repr_html_(self) -> str:
        return result_html(self.summary(), self.caveats, self.table, shown=self.shown)
