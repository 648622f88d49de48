"""A recommendation and why it is made.

Raw co-purchase counts recommend the bestseller beside everything. The score of a pair is therefore the cosine of the
two products over all orders, `together / sqrt(orders_a * orders_b)`, which is 1 when they are only ever bought
together, with `PRIOR` added below, so that one chance meeting of two rare products does not beat a pair that met fifty
times. For a customer, the scores of a product beside each recent purchase add up to s, shown as `s / (1 + s)`. The
formulas are applied where the counts are, in SQL; this module owns their constant and their meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PRIOR: Final = 5
"""How many orders' worth of doubt each pair starts with."""


class Kind(StrEnum):
    """Which sort of recommendations is wanted."""

    BOUGHT_TOGETHER = "bought_together"
    POPULAR = "popular"


class Reason(StrEnum):
    """Why a product is recommended."""

    BOUGHT_TOGETHER = "bought_together"
    BASED_ON_PURCHASES = "based_on_purchases"
    POPULAR = "popular"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A product that somebody may want; scores compare only within one reason."""

    product_id: str
    reason: Reason
    score: float


def filled_up(
    found: list[Recommendation], popular: list[Recommendation], first: int, *, without: frozenset[str]
) -> list[Recommendation]:
    """Fill a list up to `first` with popular products that are neither in it nor to be left out."""
    seen = without | {each.product_id for each in found}
    rest = (each for each in popular if each.product_id not in seen)
    return [*found, *rest][:first]
