"""Taxes by country: the port that a tax service would fill, and the declared table that fills it here.

Prices of the catalogue are what a buyer sees. Where law has prices shown with tax (Europe, the United
Kingdom, ...) the tax is a part of them; elsewhere it is added on top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Protocol

from kernel.money import Money


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

    def rate(self, country: str) -> TaxRate:
        """Tell the rate for goods that are sent to a country (ISO 3166-1 alpha-2)."""
        ...


NO_TAX: Final = TaxRate(Decimal(0))

STANDARD_RATES: Final[Mapping[str, TaxRate]] = {
    "AT": TaxRate(Decimal("0.20")),
    "AU": TaxRate(Decimal("0.10")),
    "BE": TaxRate(Decimal("0.21")),
    "CA": TaxRate(Decimal("0.05"), included=False),
    "CH": TaxRate(Decimal("0.081")),
    "CZ": TaxRate(Decimal("0.21")),
    "DE": TaxRate(Decimal("0.19")),
    "DK": TaxRate(Decimal("0.25")),
    "ES": TaxRate(Decimal("0.21")),
    "FI": TaxRate(Decimal("0.255")),
    "FR": TaxRate(Decimal("0.20")),
    "GB": TaxRate(Decimal("0.20")),
    "IE": TaxRate(Decimal("0.23")),
    "IT": TaxRate(Decimal("0.22")),
    "JP": TaxRate(Decimal("0.10")),
    "LU": TaxRate(Decimal("0.17")),
    "NL": TaxRate(Decimal("0.21")),
    "NO": TaxRate(Decimal("0.25")),
    "PL": TaxRate(Decimal("0.23")),
    "PT": TaxRate(Decimal("0.23")),
    "SE": TaxRate(Decimal("0.25")),
}
"""Standard rates for goods; a country that is not listed is served without tax, as an export."""


@dataclass(frozen=True, slots=True)
class RateTable:
    """Taxes from a declared table."""

    rates: Mapping[str, TaxRate]

    def rate(self, country: str) -> TaxRate:
        """Tell the rate of a country."""
        return self.rates.get(country, NO_TAX)


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
