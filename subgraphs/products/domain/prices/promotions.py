"""Promotions: a predicate and a reward that run for a while, and which of them count together.

A promotion is exclusive, or stacks with others that stack. Whatever competes is an alternative: each exclusive
promotion alone, and all stackable ones together, one after the other. Priority is the shop's word and goes first: the
alternatives of the highest priority compete, and the one that takes off most wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.errors import InvalidInputError
from kernel.money import Money
from subgraphs.products.domain.prices.rewards import FixedOff, FixedPrice, PercentOff, Reward, check_pieces
from subgraphs.products.domain.prices.selection import ANYBODY, Clientele, Selection, Shopper, check_selection

HIGHEST_PRIORITY: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A reward for the goods that a predicate names, for a clientele, from an instant on until another."""

    id: str
    name: str
    reward: Reward
    selection: Selection
    starts_at: datetime
    ends_at: datetime
    clientele: Clientele = ANYBODY
    priority: int = 0
    stackable: bool = False
    minimums: tuple[Money, ...] = ()
    """What the goods that it is for must cost together; where it has minimums, it counts in their currencies only."""
    minimum_quantity: int | None = None

    def __post_init__(self) -> None:
        if self.starts_at >= self.ends_at:
            raise InvalidInputError("A promotion ends after it starts.", path=("endsAt",))
        if abs(self.priority) > HIGHEST_PRIORITY:
            raise InvalidInputError(f"A priority is {HIGHEST_PRIORITY} at most.", path=("priority",))
        check_selection(self.selection)
        check_minimums(self.minimums, self.minimum_quantity)

    @property
    def shown(self) -> bool:
        """Whether it can be told of one piece alone, and so is a part of the price that is shown."""
        unconditional = not self.minimums and self.minimum_quantity is None
        return unconditional and isinstance(self.reward, PercentOff | FixedOff | FixedPrice)

    def runs(self, at: datetime) -> bool:
        """Tell whether it runs at an instant; the end itself is outside."""
        return self.starts_at <= at < self.ends_at

    def minimum_in(self, currency: str) -> Money | None:
        """Give what the goods must cost in a currency."""
        return next((minimum for minimum in self.minimums if minimum.currency == currency), None)


def check_minimums(minimums: Sequence[Money], minimum_quantity: int | None) -> None:
    """Let conditions pass that goods can meet.

    Raises:
        InvalidInputError: an amount is not above zero, a currency is named twice, or a number is beyond all sense.
    """
    if any(minimum.minor <= 0 for minimum in minimums):
        raise InvalidInputError("A minimum lies above zero.", path=("minimums",))
    if len({minimum.currency for minimum in minimums}) != len(minimums):
        raise InvalidInputError("A currency is named twice.", path=("minimums",))
    if minimum_quantity is not None:
        check_pieces(minimum_quantity, "minimumQuantity")


Alternative = tuple[Promotion, ...]
"""Promotions that count together, the first one first."""


def alternatives(promotions: Iterable[Promotion]) -> list[Alternative]:
    """Tell which promotions can count together; their order does not matter."""
    ordered = sorted(promotions, key=lambda each: (-each.priority, each.id))
    together = tuple(each for each in ordered if each.stackable)
    alone: list[Alternative] = [(each,) for each in ordered if not each.stackable]
    return [*alone, together] if together else alone


def rank(counting: Iterable[Promotion]) -> int:
    """Tell the priority of promotions that count together."""
    return max(each.priority for each in counting)


def running_for(promotions: Iterable[Promotion], shopper: Shopper, at: datetime) -> list[Promotion]:
    """Give the promotions that run for a shopper at an instant."""
    return [each for each in promotions if each.runs(at) and each.clientele.includes(shopper)]
