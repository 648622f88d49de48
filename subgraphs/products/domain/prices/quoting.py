"""What one piece costs as it is shown: list price, price lists, and the promotions that one piece can show.

A pure function of its inputs. The price is never negative nor above what it is reduced from, and does not depend on
the order in which rules were loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kernel.money import Money
from subgraphs.products.domain.prices.lists import Listed, PriceList
from subgraphs.products.domain.prices.promotions import Alternative, Promotion, alternatives, rank, running_for
from subgraphs.products.domain.prices.rewards import BuyGet, OpenLine
from subgraphs.products.domain.prices.selection import EVERYBODY, PriceSubject, Shopper


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What one promotion takes off a piece."""

    promotion: Promotion
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price as a buyer sees it: what is asked, what was asked before, and why."""

    undiscounted: Money
    price: Money
    sale: PriceList | None = None
    cuts: tuple[Cut, ...] = ()

    @property
    def reduced(self) -> bool:
        """Whether it is lower than what it is reduced from."""
        return self.price < self.undiscounted

    @property
    def promotion(self) -> Promotion | None:
        """The promotion that comes first, where one counts."""
        return self.cuts[0].promotion if self.cuts else None


def quote(
    listed: Listed | Money,
    subject: PriceSubject,
    promotions: Iterable[Promotion],
    at: datetime,
    shopper: Shopper = EVERYBODY,
) -> Quote:
    """Price one piece of a variant at an instant; a bare amount is a list price without any price list."""
    if isinstance(listed, Money):
        listed = Listed(undiscounted=listed, price=listed)
    shown = [each for each in promotions if each.shown and each.selection.includes(subject)]
    best: tuple[tuple[int, int, tuple[str, ...]], tuple[Cut, ...]] | None = None
    for alternative in alternatives(running_for(shown, shopper, at)):
        cuts = _cuts(alternative, listed.price)
        if not cuts:
            continue
        counting = [each.promotion for each in cuts]
        off = sum(each.amount.minor for each in cuts)
        order = (-rank(counting), -off, tuple(each.id for each in counting))
        if best is None or order < best[0]:
            best = order, cuts
    cuts = best[1] if best else ()
    price = listed.price - Money.sum((each.amount for each in cuts), listed.price.currency)
    return Quote(undiscounted=listed.undiscounted, price=price, sale=listed.sale, cuts=cuts)


def _cuts(alternative: Alternative, price: Money) -> tuple[Cut, ...]:
    """Apply promotions to a piece, each to what the one before has left."""
    cuts: list[Cut] = []
    for promotion in alternative:
        if isinstance(promotion.reward, BuyGet):
            continue
        off = promotion.reward.cuts([OpenLine("", 1, price)]).get("", 0)
        if off:
            cuts.append(Cut(promotion=promotion, amount=Money(off, price.currency)))
            price -= cuts[-1].amount
    return tuple(cuts)
