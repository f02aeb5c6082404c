"""What is measured: a value per side, made of sums that add up over rows.

Every family is a ratio of sums R = sum(w y) / sum(w x) over rows, so that one set of additive
statistics serves them all:

==========  =======================================  ==================
family      y                                        x
==========  =======================================  ==================
mean        the value                                1 where it is known
ratio       the numerator                            the denominator
quantile    1 where the value exceeds the threshold  1 where it is known
per_hour    the value (1 for a count)                hours of the window
==========  =======================================  ==================

A quantile's own value comes from the values; its *attribution* uses the mass above the
baseline's quantile, which adds up over slices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

from rca.engine.sql import both, f64, lit, number

Family = Literal["mean", "ratio", "quantile", "per_hour"]
Direction = Literal["up", "down", "both"]


@dataclass(frozen=True)
class Metric:
    """A metric bound to the columns of a log.

    Attributes
    ----------
    name, label, unit : str
        What it is called, in short, in words, and what one of it is.
    family : {"mean", "ratio", "quantile", "per_hour"}
        How rows make up a value.
    numerator, denominator : str
        SQL over canonical columns; NULL where a row has nothing to say.
    worse : {"up", "down", "both"}
        The bad direction.
    q : float or None
        The quantile, of the quantile family.
    counted : str
        SQL condition of the rows that take part.
    counted_note : str
        The same in words, for the caveats; empty when all rows do.
    columns : tuple of str
        The log columns it is made of.
    binary : bool
        Whether a row's value is 0 or 1, so that the variance is a binomial's.
    """

    name: str
    family: Family
    numerator: str
    denominator: str = ""
    unit: str = ""
    worse: Direction = "both"
    q: float | None = None
    counted: str = ""
    counted_note: str = ""
    columns: tuple[str, ...] = ()
    binary: bool = False
    label: str = ""

    @classmethod
    def mean(cls, name: str, of: str, *, unit: str = "", worse: Direction = "both") -> Metric:
        """Make the mean of a column."""
        return cls(name, "mean", number(_quoted(of)), unit=unit, worse=worse, columns=(of,))

    @classmethod
    def quantile(
        cls, name: str, of: str, q: float, *, unit: str = "", worse: Direction = "up"
    ) -> Metric:
        """Make a quantile of a column; ``q`` lies between 0 and 1."""
        expression = number(_quoted(of))
        return cls(name, "quantile", expression, unit=unit, worse=worse, q=q, columns=(of,))

    @classmethod
    def ratio(
        cls, name: str, of: str, per: str, *, unit: str = "", worse: Direction = "both"
    ) -> Metric:
        """Make the sum of one column per sum of another, over rows that have both."""
        y, x = number(_quoted(of)), number(_quoted(per))
        return cls(name, "ratio", y, x, unit=unit, worse=worse, columns=(of, per))

    @classmethod
    def per_hour(
        cls, name: str, of: str | None = None, *, unit: str = "", worse: Direction = "both"
    ) -> Metric:
        """Make the sum of a column per hour, or the count of rows per hour."""
        y = number(_quoted(of)) if of else "1e0"
        columns = (of,) if of else ()
        return cls(name, "per_hour", y, unit=unit or "per hour", worse=worse, columns=columns)

    @property
    def title(self) -> str:
        """The metric in words."""
        return self.label or self.name.replace("_", " ")

    @property
    def measured(self) -> str:
        """SQL condition: the row has a value."""
        known = f"({self.numerator}) is not null"
        if self.family == "ratio":
            known = both(known, f"({self.denominator}) is not null")
        return both(known, self.counted)

    @property
    def y(self) -> str:
        """SQL of a row's part of the numerator; 0 where it has nothing to say."""
        return f"case when {self.measured} then {f64(self.numerator)} else 0e0 end"

    @property
    def x(self) -> str:
        """SQL of a row's part of the denominator; 0 where it has nothing to say.

        Rows of the per-hour family count in their window's hours, not by themselves: their part
        is 0 here, and the caller divides by the hours.
        """
        if self.family == "per_hour":
            return "0e0"
        part = f64(self.denominator) if self.family == "ratio" else "1e0"
        return f"case when {self.measured} then {part} else 0e0 end"

    def exceeding(self, threshold: float) -> Metric:
        """Return the share of rows above a threshold: a quantile's additive stand-in."""
        above = f"case when ({self.numerator}) > {lit(threshold)} then 1e0 "
        return replace(
            self,
            name=f"share above {threshold:.4g} {self.unit}".strip(),
            label=f"share of rows above {threshold:.4g} {self.unit}".strip(),
            family="mean",
            numerator=f"{above}when ({self.numerator}) is not null then 0e0 end",
            unit="share",
            q=None,
            binary=True,
        )

    def is_worse(self, shift: float) -> bool:
        """Tell whether a shift is in the bad direction; any shift is, where both are bad."""
        if self.worse == "both":
            return shift != 0
        return shift > 0 if self.worse == "up" else shift < 0

    def text(self, value: float | None, *, signed: bool = False) -> str:
        """Return a value with its unit.

        >>> Metric.mean("latency", "latency_ms", unit="ms").text(812.25)
        '812.2 ms'
        >>> Metric("accuracy", "mean", "correct", unit="share").text(-0.0512, signed=True)
        '-5.12 points'
        """
        if value is None or not isfinite(value):
            return "unknown"
        sign = "+" if signed else ""
        if self.unit == "share":
            return f"{100 * value:{sign}.2f} points" if signed else f"{100 * value:.2f}%"
        if self.unit == "USD":
            return f"{value:{sign},.4g} USD"
        digits = f"{value:{sign},.0f}" if abs(value) >= 10_000 else f"{value:{sign}.4g}"
        return f"{digits} {self.unit}".strip()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
