"""Money as whole minor units of one currency; the only place where amounts are rounded, split or parsed.

Floats never come near: amounts are integers inside, `Decimal` at the border, text on the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import total_ordering
from typing import Final, Self

from kernel.errors import InvalidInputError

CURRENCIES: Final[dict[str, int]] = {
    "AUD": 2,
    "BHD": 3,
    "BRL": 2,
    "CAD": 2,
    "CHF": 2,
    "CLP": 0,
    "CNY": 2,
    "CZK": 2,
    "DKK": 2,
    "EUR": 2,
    "GBP": 2,
    "HUF": 2,
    "INR": 2,
    "ISK": 0,
    "JOD": 3,
    "JPY": 0,
    "KRW": 0,
    "KWD": 3,
    "MXN": 2,
    "NOK": 2,
    "NZD": 2,
    "OMR": 3,
    "PLN": 2,
    "RON": 2,
    "SEK": 2,
    "SGD": 2,
    "TND": 3,
    "TRY": 2,
    "USD": 2,
    "VND": 0,
    "ZAR": 2,
}
"""Currencies of ISO 4217 that the shop knows, with the number of decimals of each."""

_MAX_DIGITS: Final = 40
"""What is longer is no price but an attack on the arithmetic."""

_MAX_WHOLE_DIGITS: Final = 15
"""Whole digits of an amount, so that its minor units fit a bigint with room for sums."""


def decimals_of(currency: str) -> int:
    """Tell how many decimals a currency has.

    Raises:
        InvalidInputError: the currency is not known.
    """
    try:
        return CURRENCIES[currency]
    except KeyError:
        raise InvalidInputError(f"Unknown currency {currency[:8]!r}.", path=("currency",)) from None


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole minor units (cents) of one currency; may be negative."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        decimals_of(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in this currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, amount: str | Decimal | int, currency: str) -> Self:
        """Read an amount in major units, as `Money.parse("12.50", "EUR")`.

        Raises:
            InvalidInputError: not a number, or finer than the currency allows.
        """
        places = decimals_of(currency)
        try:
            number = Decimal(amount)
        except (InvalidOperation, ValueError):
            raise InvalidInputError("Not an amount of money.", path=("amount",)) from None
        if not number.is_finite() or len(number.as_tuple().digits) > _MAX_DIGITS:
            raise InvalidInputError("Not an amount of money.", path=("amount",))
        if number and not -_MAX_DIGITS < number.adjusted() < _MAX_WHOLE_DIGITS:
            raise InvalidInputError("The amount is too large or too small.", path=("amount",))
        minor = Fraction(number or 0) * 10**places
        if minor.denominator != 1:
            raise InvalidInputError(f"{currency} has {places} decimals at most.", path=("amount",))
        return cls(minor.numerator, currency)

    @classmethod
    def sum(cls, amounts: Iterable[Money], currency: str) -> Money:
        """Add up any number of amounts of one currency; nothing adds up to zero."""
        return sum(amounts, start=Money(0, currency))

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with exactly as many decimals as the currency has."""
        return Decimal(self.minor).scaleb(-CURRENCIES[self.currency])

    @property
    def negative(self) -> bool:
        """Whether this is less than nothing."""
        return self.minor < 0

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, factor: int | Decimal | Fraction) -> Money:
        """Multiply by a quantity or a rate; halves go to the even neighbour."""
        exact = factor if isinstance(factor, int) else Fraction(factor)
        return Money(round(self.minor * exact), self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def split(self, parts: int) -> tuple[Money, ...]:
        """Divide into `parts` shares that differ by one minor unit at most and add up to this amount."""
        return self.allocate([1] * parts)

    def allocate(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Divide in proportion to `weights`; the shares add up to this amount to the last minor unit.

        What rounding leaves over goes, one unit each, to the shares that were cut most, the first of equals
        first.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must not be negative and not all be zero")
        size = abs(self.minor)
        shares = [size * weight // total for weight in weights]
        by_loss = sorted(range(len(weights)), key=lambda at: -(size * weights[at] % total))
        for at in by_loss[: size - sum(shares)]:
            shares[at] += 1
        sign = -1 if self.minor < 0 else 1
        return tuple(Money(sign * share, self.currency) for share in shares)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")
        return other.minor
