"""What an article cost before it was reduced: the lowest price of the thirty days before.

So directive 98/6/EC of the European Union asks for in its article 6a.

The public price of any instant follows from the list prices of the time and the rules that ran then, because prices
are kept with the instant from which they held, and what has begun to run is not changed any more. So the lowest price
is a pure function too, of the price at the beginning of the thirty days and at each instant at which something
changed. Prices for some clientele only are no public prices, and neither is what a voucher takes off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.money import Money
from subgraphs.products.domain.prices.lists import ListedPrice, PriceLists
from subgraphs.products.domain.prices.promotions import Promotion
from subgraphs.products.domain.prices.quoting import Quote, quote
from subgraphs.products.domain.prices.selection import EVERYBODY, PriceSubject

PERIOD: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStep:
    """A price that held from an instant on, until the next of its kind; without a list it is the list price."""

    since: datetime
    minor: int | None
    """None ended it: from then on there was no such price."""
    list_id: str = ""
    quantity: int = 1


class PriceHistory:
    """All that decided about the public price of one variant in one currency."""

    def __init__(
        self,
        steps: Iterable[PriceStep],
        subject: PriceSubject,
        currency: str,
        lists: PriceLists,
        promotions: Iterable[Promotion],
    ) -> None:
        self._steps = sorted(steps, key=lambda each: each.since)
        self._subject = subject
        self._currency = currency
        self._lists = lists
        self._promotions = [each for each in promotions if each.selection.includes(subject)]

    def at(self, at: datetime) -> Quote | None:
        """Say what everybody paid for a piece at an instant; None where it had no price yet."""
        held = {(each.list_id, each.quantity): each.minor for each in self._steps if each.since <= at}
        base = held.get(("", 1))
        listed = [
            ListedPrice(name, least, minor) for (name, least), minor in held.items() if name and minor is not None
        ]
        money = None if base is None else Money(base, self._currency)
        holding = self._lists.holding(self._currency, EVERYBODY, at)
        found = self._lists.price(money, listed, holding)
        return None if found is None else quote(found, self._subject, self._promotions, at)

    def reduced_since(self, now: datetime) -> datetime | None:
        """Tell when the reduction began that is shown now; None where there is none."""
        shown = self.at(now)
        if shown is None or not shown.reduced:
            return None
        return max(self._beginnings(shown, now), default=now)

    def lowest_prior(self, now: datetime) -> Money | None:
        """Give the lowest price of the thirty days before the reduction of now, if there is one and there was one."""
        begun = self.reduced_since(now)
        if begun is None:
            return None
        instants = {begun - PERIOD, *(each for each in self._changes() if begun - PERIOD < each < begun)}
        prices = [found.price for each in instants if (found := self.at(each)) is not None]
        return min(prices, default=None)

    def _beginnings(self, shown: Quote, now: datetime) -> Iterator[datetime]:
        for cut in shown.cuts:
            yield cut.promotion.starts_at
        if shown.sale is not None:
            yield shown.sale.begins
            mine = (each.since for each in self._steps if each.list_id == shown.sale.id and each.since <= now)
            yield max(mine, default=shown.sale.begins)

    def _changes(self) -> Iterator[datetime]:
        yield from (each.since for each in self._steps)
        for promotion in self._promotions:
            yield promotion.starts_at
            yield promotion.ends_at
        for each in self._lists:
            yield each.begins
            yield each.ends


def percentage_off(quoted: Quote) -> int:
    """Tell by how many whole percent a price is reduced, never more than it is."""
    if not quoted.undiscounted:
        return 0
    return (quoted.undiscounted.minor - quoted.price.minor) * 100 // quoted.undiscounted.minor


def shown_steps(steps: Sequence[PriceStep]) -> list[PriceStep]:
    """Give the steps of the list price itself, the newest first."""
    return sorted((each for each in steps if not each.list_id), key=lambda each: each.since, reverse=True)
