"""Money: an exact split of a change of spend, and a watch on prices."""

from rca.analysis.cost.prices import PriceJumps, price_jumps
from rca.analysis.cost.result import CostShifts
from rca.analysis.cost.verb import explain_cost

__all__ = ["CostShifts", "PriceJumps", "explain_cost", "price_jumps"]
