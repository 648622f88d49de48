"""A recommendation, why it is made, and the formulas behind it.

Raw co-purchase counts recommend the bestseller beside everything. The score of a pair is therefore the cosine of the
two products over all orders, `together / sqrt(orders_a * orders_b)`, which is 1 when they are only ever bought
together, with `PRIOR` added below, so that one chance meeting of two rare products does not beat a pair that met fifty
times. For somebody, what is near to each recent purchase or view adds up to s, weighed by how long ago it was, and is
shown as `s / (1 + s)`.

The trend of a product is a sum over its sales in which each counts `2 ** (time since LANDMARK / TREND_HALF_LIFE)`.
Compared with each other, such sums are decayed counts; but they need no rewriting as time goes by, so that an index
keeps what is trending. The formulas are applied where the counts are, in SQL; this module owns constants and meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

PRIOR: Final = 5
"""How many orders' worth of doubt each pair starts with."""

LANDMARK: Final = datetime(2025, 1, 1, tzinfo=UTC)
TREND_HALF_LIFE: Final = timedelta(days=14)
VIEW_TREND: Final = 0.05
"""What a view counts in a trend, beside 1 for an order."""


class Kind(StrEnum):
    """Which sort of recommendations is wanted."""

    BOUGHT_TOGETHER = "bought_together"
    SIMILAR = "similar"
    POPULAR = "popular"
    TRENDING = "trending"


class Reason(StrEnum):
    """Why a product is recommended."""

    BOUGHT_TOGETHER = "bought_together"
    SIMILAR = "similar"
    BASED_ON_PURCHASES = "based_on_purchases"
    BASED_ON_VIEWS = "based_on_views"
    POPULAR = "popular"
    TRENDING = "trending"


_EXPLANATIONS: Final = {
    Reason.BOUGHT_TOGETHER: ("Bought together with {}", "Often bought together"),
    Reason.SIMILAR: ("Similar to {}", "Similar"),
    Reason.BASED_ON_PURCHASES: ("Because you bought {}", "Goes with what you bought"),
    Reason.BASED_ON_VIEWS: ("Because you viewed {}", "Goes with what you viewed"),
    Reason.POPULAR: ("Popular", "Popular"),
    Reason.TRENDING: ("Trending now", "Trending now"),
}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A product that somebody may want; scores compare only within one reason."""

    product_id: str
    reason: Reason
    score: float
    because_id: str | None = None
    """The product that it is recommended for, where it is for one."""
    because_name: str | None = None

    @property
    def explanation(self) -> str:
        """The reason in words."""
        named, plain = _EXPLANATIONS[self.reason]
        return named.format(self.because_name) if self.because_name else plain


def trend_weight(at: datetime) -> float:
    """Tell what one sale at an instant counts in a trend."""
    return 2.0 ** ((at - LANDMARK) / TREND_HALF_LIFE)
