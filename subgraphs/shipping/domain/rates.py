"""What sending a parcel costs: methods, zones, the rates between them, and rules by which it costs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from kernel.errors import InvalidInputError
from kernel.money import Money
from subgraphs.shipping.domain.carrier import LiveRate

REST_OF_WORLD = "*"
"""The country of a zone that takes whatever no other zone lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to send parcels; the price of a live one is asked of its carrier."""

    id: str
    name: str
    carrier: str
    min_days: int
    max_days: int
    active: bool = True
    live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """Countries with the same rates; with prefixes, only those of their postal areas."""

    id: str
    name: str
    countries: frozenset[str]
    postal_prefixes: tuple[str, ...] = ()

    def rank(self, destination: Destination) -> int | None:
        """Tell how closely this zone fits a destination, the smaller the closer; None where it does not."""
        if self.postal_prefixes:
            fits = any(destination.postal_code.startswith(prefix) for prefix in self.postal_prefixes)
            return 0 if fits and destination.country in self.countries else None
        if destination.country in self.countries:
            return 1
        return 2 if REST_OF_WORLD in self.countries else None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a parcel goes, as far as its price depends on it."""

    country: str
    postal_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What is in a parcel, as far as its price depends on it."""

    subtotal: Money
    weight_grams: int
    volume_cm3: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The price of a method in a zone up to a weight and volume, for goods of some worth; free from a subtotal on."""

    id: str
    method: Method
    zone: Zone
    price: Money
    max_weight_grams: int
    max_volume_cm3: int | None = None
    min_subtotal: Money | None = None
    max_subtotal: Money | None = None
    free_from: Money | None = None

    def takes(self, goods: Goods) -> bool:
        """Tell whether this is the price of such goods."""
        return (
            self.price.currency == goods.subtotal.currency
            and goods.weight_grams <= self.max_weight_grams
            and (self.max_volume_cm3 is None or goods.volume_cm3 <= self.max_volume_cm3)
            and (self.min_subtotal is None or goods.subtotal >= self.min_subtotal)
            and (self.max_subtotal is None or goods.subtotal < self.max_subtotal)
        )

    def closeness(self, destination: Destination) -> tuple[int, int, int, int]:
        """Give what rates of one method are compared by: zone, weight, volume, worth."""
        worth = self.min_subtotal.minor if self.min_subtotal else 0
        rank = self.zone.rank(destination)
        return (9 if rank is None else rank, self.max_weight_grams, self.max_volume_cm3 or 2**62, -worth)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeRule:
    """Shipping costs nothing from a worth of goods on: by any or one method, to anywhere or one zone, for a time."""

    id: str
    name: str
    method_id: str | None
    zone_id: str | None
    from_subtotal: Money
    max_weight_grams: int | None
    starts_at: datetime | None
    ends_at: datetime | None

    def frees(self, rate: Rate, goods: Goods, at: datetime) -> bool:
        """Tell whether these goods go for nothing at this rate."""
        return (
            self.from_subtotal.currency == goods.subtotal.currency
            and self.from_subtotal <= goods.subtotal
            and self.method_id in {None, rate.method.id}
            and self.zone_id in {None, rate.zone.id}
            and (self.max_weight_grams is None or goods.weight_grams <= self.max_weight_grams)
            and (self.starts_at is None or self.starts_at <= at)
            and (self.ends_at is None or at < self.ends_at)
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """A method with its price for one parcel."""

    method: Method
    price: Money


@dataclass(frozen=True, slots=True)
class Offer:
    """All rates and rules that may apply in one currency."""

    rates: tuple[Rate, ...] = ()
    free_rules: tuple[FreeRule, ...] = ()


def quotes(
    offer: Offer, destination: Destination, goods: Goods, at: datetime, live: Iterable[LiveRate] = ()
) -> tuple[Quote, ...]:
    """Price every method that serves a destination with such goods; the cheapest first.

    The zone that fits closest counts: postal areas before countries before the rest of the world; of several bands the
    smallest that fits. A carrier's live price stands in for that of its method, and rules still make it free.
    """
    if goods.weight_grams < 0 or goods.volume_cm3 < 0 or goods.subtotal.negative:
        raise InvalidInputError("Weight, volume and subtotal cannot be negative.", path=("weightGrams",))
    usable = [rate for rate in offer.rates if rate.takes(goods) and rate.zone.rank(destination) is not None]
    best: dict[str, Rate] = {}
    for rate in sorted(usable, key=lambda rate: rate.closeness(destination)):
        best.setdefault(rate.method.id, rate)
    asked = {each.method_id: each for each in live if each.price.currency == goods.subtotal.currency}
    priced = [_quote(rate, offer, goods, at, asked.get(rate.method.id)) for rate in best.values()]
    return tuple(sorted(priced, key=lambda quote: (quote.price, quote.method.id)))


def _quote(rate: Rate, offer: Offer, goods: Goods, at: datetime, live: LiveRate | None) -> Quote:
    method, price = rate.method, rate.price
    if method.live and live is not None:
        method, price = replace(method, min_days=live.min_days, max_days=live.max_days), live.price
    free_here = rate.free_from is not None and goods.subtotal >= rate.free_from
    if free_here or any(rule.frees(rate, goods, at) for rule in offer.free_rules):
        price = Money.zero(price.currency)
    return Quote(method, price)
