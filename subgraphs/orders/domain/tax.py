"""Taxes by country, region, postal code and class of goods: the port that a tax service would fill, and the arithmetic.

Prices of the catalogue are what a buyer sees. Where law has prices shown with tax (Europe, the United
Kingdom, ...) the tax is a part of them; elsewhere it is added on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final, Protocol

from kernel.events.catalogue import PostalAddress
from kernel.money import Money


class TaxClass(StrEnum):
    """How the state looks at goods."""

    STANDARD = "STANDARD"
    REDUCED = "REDUCED"
    ZERO = "ZERO"


@dataclass(frozen=True, slots=True)
class Place:
    """Where goods go: a country (ISO 3166-1 alpha-2), a state or province as addresses write it, a postal code."""

    country: str
    region: str = ""
    postal_code: str = ""


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A rate such as 0.19, and whether shown prices contain it already."""

    rate: Decimal
    included: bool = True


@dataclass(frozen=True, slots=True)
class Taxed:
    """An amount before tax and the tax on it."""

    net: Money
    tax: Money

    @property
    def gross(self) -> Money:
        """What is to be paid."""
        return self.net + self.tax

    def __add__(self, other: Taxed) -> Taxed:
        return Taxed(self.net + other.net, self.tax + other.tax)


class TaxProvider(Protocol):
    """Whoever knows what the state wants."""

    def rate(self, place: Place, sku: str | None = None) -> TaxRate:
        """Tell the rate for an article that is sent to a place, or for the sending itself."""
        ...


NO_TAX: Final = TaxRate(Decimal(0))


def place_of(address: PostalAddress) -> Place:
    """Tell where an address is, as far as tax is concerned."""
    return Place(address.country, address.region, address.postal_code)


def tax_of(shown: Money, rate: TaxRate) -> Taxed:
    """Divide a shown amount into net and tax, or add the tax to it, as the rate says."""
    if rate.included:
        net = shown * (1 / (1 + Fraction(rate.rate)))
        return Taxed(net, shown - net)
    return Taxed(shown, shown * rate.rate)


def tax_lines(shown: Sequence[Money], rate: TaxRate, currency: str) -> tuple[Taxed, ...]:
    """Tax several amounts so that the taxes of the lines add up to the tax of their sum."""
    total = Money.sum(shown, currency)
    if not total:
        return tuple(Taxed(amount, Money.zero(currency)) for amount in shown)
    taxes = tax_of(total, rate).tax.allocate([amount.minor for amount in shown])
    if rate.included:
        return tuple(Taxed(amount - tax, tax) for amount, tax in zip(shown, taxes, strict=True))
    return tuple(Taxed(amount, tax) for amount, tax in zip(shown, taxes, strict=True))


def tax_each(shown: Sequence[Money], rates: Sequence[TaxRate], currency: str) -> tuple[Taxed, ...]:
    """Tax amounts each at its own rate, so that the taxes of each rate add up to the tax of its sum."""
    taxed: dict[int, Taxed] = {}
    for rate in dict.fromkeys(rates):
        places = [at for at, each in enumerate(rates) if each == rate]
        taxed |= dict(zip(places, tax_lines([shown[at] for at in places], rate, currency), strict=True))
    return tuple(taxed[at] for at in range(len(shown)))
