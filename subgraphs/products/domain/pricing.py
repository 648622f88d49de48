"""What a variant costs now: a pure function of its list price and the promotions that run.

Of all promotions that apply, the one that leaves the lowest price wins alone; they do not stack. So the outcome
does not depend on the order in which they were loaded, and is never below zero or above the list price.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from kernel.errors import InvalidInputError
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class PercentOff:
    """A share of the list price is taken off; it holds in every currency."""

    percent: Decimal

    def __post_init__(self) -> None:
        if not (self.percent.is_finite() and 0 < self.percent <= 100):
            raise InvalidInputError("A percentage lies above 0 and at 100 at most.", path=("percent",))
        if self.percent * 100 % 1:
            raise InvalidInputError("A percentage has two decimals at most.", path=("percent",))

    def discount(self, list_price: Money) -> Money:
        """How much is taken off this price."""
        return list_price * (self.percent / 100)


@dataclass(frozen=True, slots=True)
class FixedOff:
    """An amount is taken off, in the currencies that name one."""

    amounts: tuple[Money, ...]

    def __post_init__(self) -> None:
        if not self.amounts or any(amount.minor <= 0 for amount in self.amounts):
            raise InvalidInputError("A fixed reward names amounts above zero.", path=("amounts",))
        if len({amount.currency for amount in self.amounts}) != len(self.amounts):
            raise InvalidInputError("A currency is named twice.", path=("amounts",))

    def discount(self, list_price: Money) -> Money:
        """How much is taken off this price; never more than the price."""
        for amount in self.amounts:
            if amount.currency == list_price.currency:
                return min(amount, list_price)
        return Money.zero(list_price.currency)


Reward = PercentOff | FixedOff


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A reward for all products it names and all products in or below the categories it names."""

    id: str
    name: str
    reward: Reward
    starts_at: datetime
    ends_at: datetime
    category_ids: frozenset[str] = frozenset()
    product_ids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.starts_at >= self.ends_at:
            raise InvalidInputError("A promotion ends after it starts.", path=("endsAt",))
        if not (self.category_ids or self.product_ids):
            raise InvalidInputError("A promotion names a category or a product.", path=("categoryIds",))

    def applies(self, subject: PriceSubject, at: datetime) -> bool:
        """Tell whether the subject is rewarded at this instant; the end itself is outside."""
        if not self.starts_at <= at < self.ends_at:
            return False
        return subject.product_id in self.product_ids or not self.category_ids.isdisjoint(subject.category_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSubject:
    """What promotions look at: the product and its categories from the root down."""

    product_id: str
    category_path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price as a buyer sees it: what is asked, what was asked before, and why."""

    undiscounted: Money
    price: Money
    promotion: Promotion | None = None


def quote(list_price: Money, subject: PriceSubject, promotions: Iterable[Promotion], at: datetime) -> Quote:
    """Price one variant at an instant."""
    best = Quote(undiscounted=list_price, price=list_price)
    for promotion in promotions:
        if not promotion.applies(subject, at):
            continue
        price = list_price - promotion.reward.discount(list_price)
        if (price.minor, promotion.id) < (best.price.minor, best.promotion.id if best.promotion else ""):
            best = Quote(undiscounted=list_price, price=price, promotion=promotion)
    return best
