"""Price lists: other prices than the list price, for a currency, a clientele, a while, or from a quantity on.

A list that overrides says what the article costs there; of those that apply, the one of the highest priority decides.
A sale says what it costs for now, beside what it cost before: the lowest of the highest priority. A list holds prices,
or derives them from another list by a percentage, which makes chains, but no circles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from kernel.errors import ConflictError, InvalidInputError
from kernel.money import Money
from subgraphs.products.domain.prices.promotions import HIGHEST_PRIORITY
from subgraphs.products.domain.prices.selection import ANYBODY, Clientele, Shopper

LONGEST_CHAIN: Final = 5
_EVER: Final = datetime.max.replace(tzinfo=UTC)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class ListKind(StrEnum):
    """What the prices of a list are."""

    OVERRIDE = "OVERRIDE"
    SALE = "SALE"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """What prices of a list hold for; without a window they always hold."""

    id: str
    name: str
    currency: str
    kind: ListKind = ListKind.OVERRIDE
    clientele: Clientele = ANYBODY
    priority: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    based_on: str | None = None
    """The list that prices are derived from; None derives from the list price."""
    percent: Decimal | None = None
    """By how much derived prices are above (or, negative, below) what they are derived from; None derives none."""

    def __post_init__(self) -> None:
        if self.starts_at is not None and self.ends_at is not None and self.starts_at >= self.ends_at:
            raise InvalidInputError("A price list ends after it starts.", path=("endsAt",))
        if self.kind is ListKind.SALE and self.starts_at is None:
            raise InvalidInputError("A sale says when it begins.", path=("startsAt",))
        if abs(self.priority) > HIGHEST_PRIORITY:
            raise InvalidInputError(f"A priority is {HIGHEST_PRIORITY} at most.", path=("priority",))
        if self.based_on is not None and self.percent is None:
            raise InvalidInputError("Say by which percentage prices are derived.", path=("percent",))
        if self.percent is not None and not (
            self.percent.is_finite() and -100 <= self.percent <= 1000 and not self.percent * 100 % 1
        ):
            message = "A derived price is from -100 to 1000 percent above, with two decimals at most."
            raise InvalidInputError(message, path=("percent",))

    @property
    def begins(self) -> datetime:
        """When it begins to hold."""
        return self.starts_at or _NEVER

    @property
    def ends(self) -> datetime:
        """From when on it holds no longer."""
        return self.ends_at or _EVER

    def holds(self, shopper: Shopper, at: datetime) -> bool:
        """Tell whether its prices hold for a shopper at an instant."""
        return self.begins <= at < self.ends and self.clientele.includes(shopper)

    def rivals(self, other: PriceList) -> bool:
        """Tell whether two lists may name prices for the same purchase, and neither goes first."""
        return (
            self.id != other.id
            and (self.currency, self.kind, self.priority) == (other.currency, other.kind, other.priority)
            and self.begins < other.ends
            and other.begins < self.ends
            and self.clientele.meets(other.clientele)
        )


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A variant's price in a list, from a number of pieces on."""

    list_id: str
    quantity: int
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What price lists make of a list price: what is asked, what it is reduced from, and which list says so."""

    undiscounted: Money
    price: Money
    sale: PriceList | None = None


class PriceLists:
    """All price lists by their ids."""

    __slots__ = ("_by_currency", "_by_id")

    def __init__(self, lists: Iterable[PriceList]) -> None:
        ordered = sorted(lists, key=lambda each: (-each.priority, each.id))
        self._by_id: Mapping[str, PriceList] = {each.id: each for each in ordered}
        self._by_currency: dict[str, list[PriceList]] = {}
        for each in ordered:
            self._by_currency.setdefault(each.currency, []).append(each)

    def __iter__(self) -> Iterator[PriceList]:
        return iter(self._by_id.values())

    def holding(self, currency: str, shopper: Shopper, at: datetime) -> list[PriceList]:
        """Give the lists that hold in a currency for a shopper at an instant, the highest priority first."""
        return [each for each in self._by_currency.get(currency, ()) if each.holds(shopper, at)]

    def price(
        self,
        base: Money | None,
        listed: Sequence[ListedPrice],
        holding: Sequence[PriceList],
        quantity: int = 1,
    ) -> Listed | None:
        """Say what an article costs before promotions, by lists that hold; None where it has no price."""
        if not holding:
            return None if base is None else Listed(undiscounted=base, price=base)
        overrides = (each for each in holding if each.kind is ListKind.OVERRIDE)
        found = (self._said(each, base, listed, quantity) for each in overrides)
        said = next((price for price in found if price is not None), base)
        if said is None:
            return None
        sales = [each for each in holding if each.kind is ListKind.SALE]
        offers = [(each, self._said(each, said, listed, quantity)) for each in sales]
        lower = [
            (-each.priority, price.minor, each.id, each) for each, price in offers if price is not None and price < said
        ]
        if not lower:
            return Listed(undiscounted=said, price=said)
        _, minor, _, sale = min(lower, key=lambda each: each[:3])
        return Listed(undiscounted=said, price=Money(minor, said.currency), sale=sale)

    def _said(
        self, of: PriceList, base: Money | None, listed: Sequence[ListedPrice], quantity: int, chain: int = 0
    ) -> Money | None:
        """Give what a list says: its own price for the largest quantity that is reached, else the derived one."""
        reached = [each for each in listed if each.list_id == of.id and each.quantity <= quantity]
        if reached:
            return Money(max(reached, key=lambda each: each.quantity).minor, of.currency)
        if of.percent is None or chain > LONGEST_CHAIN:
            return None
        parent = self._by_id.get(of.based_on) if of.based_on else None
        source = base if parent is None else self._said(parent, base, listed, quantity, chain + 1) or base
        return None if source is None else source * (1 + Fraction(of.percent) / 100)

    def check_chain(self, changed: PriceList) -> None:
        """Let a list pass that leads to the list price in a few steps.

        Raises:
            ConflictError: it would lead back to itself, or the chain would be too long.
            InvalidInputError: it is based on no list, or on one in another currency.
        """
        seen = {changed.id}
        above = changed.based_on
        while above is not None:
            if above in seen:
                raise ConflictError("Price lists would be based on each other.", code="CYCLE", path=("basedOn",))
            seen.add(above)
            parent = self._by_id.get(above)
            if parent is None or parent.currency != changed.currency:
                raise InvalidInputError("There is no such price list in this currency.", path=("basedOn",))
            if len(seen) > LONGEST_CHAIN:
                raise InvalidInputError(f"Price lists derive in {LONGEST_CHAIN} steps at most.", path=("basedOn",))
            above = parent.based_on
