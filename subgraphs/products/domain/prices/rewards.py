"""Rewards: what a promotion or a voucher takes off the goods that it is for.

A reward sees open lines: how many pieces, and what they still cost after what was taken off before. It says how many
minor units go off each line, never more than the line still costs. Lines come in a canonical order, so that no result
depends on the order in which a buyer has put things into a cart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from kernel.errors import InvalidInputError
from kernel.money import Money
from subgraphs.products.domain.prices.selection import Selection

MOST_PIECES = 10_000
"""Of what a reward may ask at once; nobody buys more."""


@dataclass(frozen=True, slots=True)
class OpenLine:
    """Pieces of one article with what they still cost together."""

    key: str
    quantity: int
    left: Money

    @property
    def each(self) -> Fraction:
        """What a piece still costs, exactly."""
        return Fraction(self.left.minor, self.quantity)


Cuts = Mapping[str, int]
"""What goes off each line, in minor units, by the line's key; lines that keep their price are left out."""


@dataclass(frozen=True, slots=True)
class PercentOff:
    """A share of the price is taken off; it holds in every currency."""

    percent: Decimal

    def __post_init__(self) -> None:
        check_percent(self.percent)

    def counts_in(self, _currency: str) -> bool:
        """Tell whether there is a reward in a currency."""
        return True

    def cuts(self, lines: Sequence[OpenLine]) -> Cuts:
        """Take the share off each line."""
        return _off(lines, self.percent)


@dataclass(frozen=True, slots=True)
class _Amounts:
    """An amount for each of some currencies."""

    amounts: tuple[Money, ...]

    def __post_init__(self) -> None:
        if not self.amounts or any(amount.minor <= 0 for amount in self.amounts):
            raise InvalidInputError("A fixed reward names amounts above zero.", path=("amounts",))
        if len({amount.currency for amount in self.amounts}) != len(self.amounts):
            raise InvalidInputError("A currency is named twice.", path=("amounts",))

    def counts_in(self, currency: str) -> bool:
        """Tell whether there is a reward in a currency."""
        return self.amount_in(currency) is not None

    def amount_in(self, currency: str) -> int | None:
        """Give the amount in a currency, in minor units."""
        return next((amount.minor for amount in self.amounts if amount.currency == currency), None)


@dataclass(frozen=True, slots=True)
class FixedOff(_Amounts):
    """An amount is taken off each piece, in the currencies that name one."""

    def cuts(self, lines: Sequence[OpenLine]) -> Cuts:
        """Take the amount off each piece."""
        return _kept(
            (line.key, min(amount * line.quantity, line.left.minor))
            for line in lines
            if (amount := self.amount_in(line.left.currency)) is not None
        )


@dataclass(frozen=True, slots=True)
class FixedPrice(_Amounts):
    """Each piece costs this much, where it would cost more."""

    def cuts(self, lines: Sequence[OpenLine]) -> Cuts:
        """Take off what is above the price."""
        return _kept(
            (line.key, line.left.minor - amount * line.quantity)
            for line in lines
            if (amount := self.amount_in(line.left.currency)) is not None
        )


@dataclass(frozen=True, slots=True)
class TotalOff(_Amounts):
    """An amount is taken off all goods together, and divided over them by what they cost."""

    def cuts(self, lines: Sequence[OpenLine]) -> Cuts:
        """Divide the amount, or what the goods cost if that is less."""
        total = sum(line.left.minor for line in lines)
        amount = self.amount_in(lines[0].left.currency) if lines else None
        if amount is None or not total:
            return {}
        shares = Money(min(amount, total), lines[0].left.currency).allocate([line.left.minor for line in lines])
        return _kept((line.key, share.minor) for line, share in zip(lines, shares, strict=True))


@dataclass(frozen=True, slots=True)
class QuantityTiers:
    """The more pieces, all lines together, the larger the share that is taken off; each tier begins at its quantity."""

    tiers: tuple[tuple[int, Decimal], ...]

    def __post_init__(self) -> None:
        if not self.tiers:
            raise InvalidInputError("Tiers name at least one quantity.", path=("tiers",))
        for quantity, percent in self.tiers:
            check_pieces(quantity, "tiers", least=2)
            check_percent(percent, "tiers")
        for (fewer, less), (more, off) in pairwise(self.tiers):
            if fewer >= more or less >= off:
                raise InvalidInputError("Each tier is above the one before, and takes off more.", path=("tiers",))

    def counts_in(self, _currency: str) -> bool:
        """Tell whether there is a reward in a currency."""
        return True

    def cuts(self, lines: Sequence[OpenLine]) -> Cuts:
        """Take off the share of the highest tier that is reached."""
        pieces = sum(line.quantity for line in lines)
        reached = [percent for quantity, percent in self.tiers if quantity <= pieces]
        return _off(lines, reached[-1]) if reached else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyGet:
    """Who buys so many pieces gets so many more for less: the cheapest of all, or of other goods that are named.

    What counts as bought is not given as well, so goods that fit both only count as bought.
    """

    buy: int
    get: int
    percent: Decimal = Decimal(100)
    gets: Selection | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        check_pieces(self.buy, "buy")
        check_pieces(self.get, "get")
        check_percent(self.percent)
        if self.times is not None:
            check_pieces(self.times, "times")

    def counts_in(self, _currency: str) -> bool:
        """Tell whether there is a reward in a currency."""
        return True

    def cuts(self, lines: Sequence[OpenLine], others: Sequence[OpenLine] = ()) -> Cuts:
        """Take off what is given; `others` are the goods that `gets` names and that do not count as bought."""
        bought = sum(line.quantity for line in lines)
        groups = bought // (self.buy if self.gets else self.buy + self.get)
        pieces = min(groups, self.times or groups) * self.get
        return self._given(others if self.gets else lines, pieces)

    def _given(self, lines: Sequence[OpenLine], pieces: int) -> Cuts:
        """Give so many of the cheapest pieces."""
        given: dict[str, int] = {}
        for line in sorted(lines, key=lambda each: (each.each, each.key)):
            taken = min(line.quantity, pieces)
            pieces -= taken
            share = Fraction(taken, line.quantity) * Fraction(self.percent) / 100
            given[line.key] = (line.left * share).minor
        return _kept(given.items())


PieceReward = PercentOff | FixedOff | FixedPrice
"""What can be told of one piece alone, and so be shown as its price."""

Reward = PieceReward | TotalOff | QuantityTiers | BuyGet


def check_percent(percent: Decimal, field: str = "percent") -> Decimal:
    """Return a share that can be taken off.

    Raises:
        InvalidInputError: it is not above 0, above 100, or finer than two decimals.
    """
    if not (percent.is_finite() and 0 < percent <= 100):
        raise InvalidInputError("A percentage lies above 0 and at 100 at most.", path=(field,))
    if percent * 100 % 1:
        raise InvalidInputError("A percentage has two decimals at most.", path=(field,))
    return percent


def check_pieces(pieces: int, field: str, *, least: int = 1) -> int:
    """Return a number of pieces that a rule can ask for.

    Raises:
        InvalidInputError: it is too small or beyond all sense.
    """
    if not least <= pieces <= MOST_PIECES:
        raise InvalidInputError(f"A number of pieces lies from {least} to {MOST_PIECES}.", path=(field,))
    return pieces


def _off(lines: Iterable[OpenLine], percent: Decimal) -> Cuts:
    return _kept((line.key, (line.left * (Fraction(percent) / 100)).minor) for line in lines)


def _kept(cuts: Iterable[tuple[str, int]]) -> Cuts:
    return {key: cut for key, cut in cuts if cut > 0}
