"""Weekly demand of a SKU, and what kind of demand it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Final, Self

WEEK: Final = timedelta(weeks=1)
_OFTEN: Final = 1.32
_EVEN: Final = 0.49


class Pattern(Enum):
    """The kinds of demand of Syntetos, Boylan & Croston (2005), and items that are too new for any of them."""

    SMOOTH = "smooth"
    ERRATIC = "erratic"
    INTERMITTENT = "intermittent"
    LUMPY = "lumpy"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Series:
    """What was wanted of a SKU in each week since `first`, the Monday of its first week on sale."""

    sku: str
    first: date
    values: tuple[int, ...]

    @classmethod
    def of(cls, sku: str, sold: Mapping[date, int], *, first: date, end: date) -> Self:
        """Fill the weeks in which nothing was sold; `end` is the Monday that follows the last whole week."""
        weeks = max((end - first) // WEEK, 0)
        return cls(sku, first, tuple(sold.get(first + WEEK * number, 0) for number in range(weeks)))

    def until(self, end: date) -> Series:
        """Give the series as it was known on a Monday."""
        return Series(self.sku, self.first, self.values[: max((end - self.first) // WEEK, 0)])

    @property
    def end(self) -> date:
        """The Monday after its last week."""
        return self.first + WEEK * len(self.values)

    def pattern(self, *, new: int) -> Pattern:
        """Classify by how seldom and how unevenly it sells; `new` weeks are too few to tell."""
        if len(self.values) < new or not any(self.values):
            return Pattern.NEW
        return classify(self.values)


def monday(day: date) -> date:
    """Give the Monday on which the week of a day begins."""
    return day - timedelta(days=day.weekday())


def classify(values: Sequence[int]) -> Pattern:
    """Classify demand by the mean interval between sales and the variation of their sizes.

    The limits 1.32 and 0.49 are those of Syntetos, Boylan & Croston, "On the categorization of demand patterns",
    Journal of the Operational Research Society 56 (2005).
    """
    sizes = [value for value in values if value]
    interval = len(values) / len(sizes)
    mean = sum(sizes) / len(sizes)
    variation = sum((size - mean) ** 2 for size in sizes) / len(sizes) / mean**2
    if interval < _OFTEN:
        return Pattern.SMOOTH if variation < _EVEN else Pattern.ERRATIC
    return Pattern.INTERMITTENT if variation < _EVEN else Pattern.LUMPY
