"""What sending a parcel costs: methods, zones and the rates between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kernel.errors import InvalidInputError
from kernel.money import Money

REST_OF_WORLD = "*"
"""The country of a zone that takes whatever no other zone lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to send parcels."""

    id: str
    name: str
    carrier: str
    min_days: int
    max_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The price of a method in a zone up to a weight; free from a subtotal on, where one is named."""

    method: Method
    countries: frozenset[str]
    price: Money
    max_weight_grams: int
    free_from: Money | None

    def price_for(self, subtotal: Money) -> Money:
        """Tell the price for goods of this worth."""
        if self.free_from is not None and subtotal >= self.free_from:
            return Money.zero(self.price.currency)
        return self.price


@dataclass(frozen=True, slots=True)
class Quote:
    """A method with its price for one parcel."""

    method: Method
    price: Money


def quotes(rates: Iterable[Rate], country: str, subtotal: Money, weight_grams: int) -> tuple[Quote, ...]:
    """Price every method that serves a country, currency and weight; the cheapest first.

    A country's own zone goes before the rest of the world; of several weight bands the smallest that fits
    counts.
    """
    if weight_grams < 0 or subtotal.negative:
        raise InvalidInputError("Weight and subtotal cannot be negative.", path=("weightGrams",))
    usable = [
        rate
        for rate in rates
        if rate.price.currency == subtotal.currency
        and weight_grams <= rate.max_weight_grams
        and rate.countries & {country, REST_OF_WORLD}
    ]
    best: dict[str, Rate] = {}
    for rate in sorted(usable, key=lambda rate: (country not in rate.countries, rate.max_weight_grams)):
        best.setdefault(rate.method.id, rate)
    priced = [Quote(rate.method, rate.price_for(subtotal)) for rate in best.values()]
    return tuple(sorted(priced, key=lambda quote: (quote.price, quote.method.id)))
