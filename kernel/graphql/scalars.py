"""Money and currencies as clients see them; amounts are decimal text, never floats."""

from __future__ import annotations

from decimal import Decimal
from typing import NewType, Self

import strawberry
from strawberry.types.scalar import ScalarDefinition, scalar

from kernel.errors import InvalidInputError
from kernel.money import CURRENCIES
from kernel.money import Money as Amount

CurrencyCode = NewType("CurrencyCode", str)
"""A currency by its code in ISO 4217."""


def _parse_currency(value: object) -> CurrencyCode:
    if not isinstance(value, str) or value not in CURRENCIES:
        raise InvalidInputError("Not the code of a currency that the shop knows.", path=("currency",))
    return CurrencyCode(value)


CURRENCY_CODE: ScalarDefinition = scalar(
    name="CurrencyCode",
    description="A currency by its three-letter code in ISO 4217.",
    specified_by_url="https://en.wikipedia.org/wiki/ISO_4217",
    serialize=str,
    parse_value=_parse_currency,
)


@strawberry.federation.type(shareable=True, description="An amount of money in one currency.")
class Money:
    """An amount of money in one currency."""

    amount: Decimal = strawberry.field(description="The amount in major units, as decimal text.")
    currency: CurrencyCode

    @classmethod
    def of(cls, money: Amount) -> Self:
        """Show an amount of the domain."""
        return cls(amount=money.amount, currency=CurrencyCode(money.currency))

    @classmethod
    def of_minor(cls, minor: int, currency: str) -> Self:
        """Show an amount that is stored as minor units beside a currency."""
        return cls.of(Amount(minor, currency))

    @classmethod
    def maybe(cls, money: Amount | None) -> Self | None:
        """Show an amount where there is one."""
        return None if money is None else cls.of(money)


@strawberry.federation.type(shareable=True, description="An amount before tax, the tax, and both together.")
class TaxedMoney:
    """An amount before tax, the tax, and both together."""

    net: Money
    tax: Money
    gross: Money

    @classmethod
    def of(cls, net: Amount, tax: Amount) -> Self:
        """Show an amount of the domain and its tax."""
        return cls(net=Money.of(net), tax=Money.of(tax), gross=Money.of(net + tax))


@strawberry.input(description="An amount of money in one currency; not finer than the currency allows.")
class MoneyInput:
    """An amount of money in one currency."""

    amount: Decimal
    currency: CurrencyCode

    def to_domain(self, *path: str) -> Amount:
        """Read the amount.

        Raises:
            InvalidInputError: it is finer than the currency allows, or too large.
        """
        try:
            return Amount.parse(self.amount, self.currency)
        except InvalidInputError as error:
            raise InvalidInputError(error.message, path=(*path, *error.path)) from None
