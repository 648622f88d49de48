"""Makes two years of orders with what forecasts and recommendations look for.

Time: the shop grows, weekends and evenings are busier, each shelf has its season, and Black Friday is a peak.
Taste: customers come for their favourite departments and in their own size, a few buy often and most rarely. People
of one style like the same things on a shelf, and others than people of another style.
Togetherness: who buys from one shelf often buys from another, and mostly the products that belong to this one,
so that pairs stand out against mere popularity; what goes with something is bought with it, or by the same
customer later.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import accumulate, chain
from typing import Final

from kernel.money import Money
from runtime.demo_data.catalogue import Catalogue, Item, black_friday
from runtime.demo_data.chance import Ids, Weighted, stream, zipf
from runtime.demo_data.people import STYLES, Customer
from runtime.demo_data.pricing import PriceList
from subgraphs.products.storage.bulk import VariantRow

ORDERS: Final = 5000
_HOURS: Final = (1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 12, 11, 10, 10, 11, 12, 14, 17, 18, 15, 9, 4)
_WEEKDAYS: Final = (1.0, 0.95, 0.95, 1.0, 1.05, 1.15, 1.3)
_MONTHS: Final = (0.9, 0.85, 0.95, 1.0, 1.0, 0.95, 0.85, 0.9, 1.0, 1.05, 1.35, 1.6)
_MOST_LINES: Final = 6
_DEVOTION: Final = 10.0
"""How much rather customers buy in their favourite departments than elsewhere."""
_TASTE: Final = 2.0
"""How far styles differ in the shelves that they like."""
_COMES_BACK: Final = 0.2
"""How often an order begins with what goes with something that was bought before."""
_REMEMBERED: Final = 8


class Fate(Enum):
    """How an order ended."""

    SHIPPED = auto()
    DELIVERED = auto()
    CANCELLED = auto()
    RETURNED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtLine:
    """A line of an order: what, how many, at which price, out of which warehouse."""

    item: Item
    variant: VariantRow
    quantity: int
    unit_price: Money
    warehouse: int

    @property
    def name(self) -> str:
        """The name that the order keeps."""
        return f"{self.item.row.name} ({self.variant.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    """An order of the past, from which the rows of all subgraphs are made."""

    id: str
    number: str
    customer: Customer
    as_guest: bool
    placed_at: datetime
    lines: tuple[BoughtLine, ...]
    fate: Fate
    express: bool
    shipped_at: datetime | None
    delivered_at: datetime | None
    ended_at: datetime | None
    """When it was cancelled or came back."""

    @property
    def customer_id(self) -> str | None:
        """Whose order it is; nobody's when it was placed as a guest."""
        return None if self.as_guest else self.customer.user.id

    @property
    def currency(self) -> str:
        """The currency of all its amounts."""
        return self.customer.currency

    @property
    def confirmed_at(self) -> datetime:
        """When it was paid."""
        return self.placed_at + timedelta(seconds=2)


def make_history(
    seed: int, catalogue: Catalogue, customers: Sequence[Customer], begin: datetime, now: datetime
) -> tuple[PastOrder, ...]:
    """Make the orders, the oldest first; the last ones are two days old, so that all have been shipped."""
    chance = stream(seed, "history")
    buyers = _Buyers(chance, customers)
    baskets = _Baskets(chance, catalogue)
    ids = Ids(chance)
    return tuple(
        _order(chance, ids, number, at, customer=buyers.next(), baskets=baskets, now=now)
        for number, at in enumerate(_instants(chance, begin, now - timedelta(days=2)))
    )


def _instants(chance: random.Random, begin: datetime, end: datetime) -> list[datetime]:
    days = [begin + timedelta(days=day) for day in range((end - begin).days)]
    cumulative = list(accumulate(_busyness(day, begin, end) for day in days))
    hours = Weighted(range(24), _HOURS)
    return sorted(
        days[bisect(cumulative, chance.random() * cumulative[-1])].replace(
            hour=hours.draw(chance), minute=chance.randrange(60), second=chance.randrange(60)
        )
        for _ in range(ORDERS)
    )


def _busyness(day: datetime, begin: datetime, end: datetime) -> float:
    growth = 1 + 0.9 * ((day - begin) / (end - begin))
    peak = 2.5 if timedelta() <= day - black_friday(day.year) < timedelta(days=4) else 1.0
    return growth * _WEEKDAYS[day.weekday()] * _MONTHS[day.month - 1] * peak


def _order(
    chance: random.Random,
    ids: Ids,
    number: int,
    at: datetime,
    *,
    customer: Customer,
    baskets: _Baskets,
    now: datetime,
) -> PastOrder:
    fate, shipped, delivered, ended = _fate(chance, at, now)
    return PastOrder(
        id=ids.new("ord", at),
        number=f"SG-{20_000 + number}",
        customer=customer,
        as_guest=chance.random() < 0.12 and customer.user.email != "customer@example.com",
        placed_at=at,
        lines=baskets.fill(customer, at),
        fate=fate,
        express=chance.random() < 0.2,
        shipped_at=shipped,
        delivered_at=delivered,
        ended_at=ended,
    )


def _fate(
    chance: random.Random, at: datetime, now: datetime
) -> tuple[Fate, datetime | None, datetime | None, datetime | None]:
    draw = chance.random()
    if draw < 0.03:
        return Fate.CANCELLED, None, None, at + timedelta(hours=chance.uniform(0.2, 6))
    shipped = at + timedelta(hours=chance.uniform(3, 40))
    delivered = shipped + timedelta(hours=chance.uniform(20, 110))
    if delivered > now:
        return Fate.SHIPPED, shipped, None, None
    returned = delivered + timedelta(days=chance.uniform(2, 13))
    if draw < 0.055 and returned < now:
        return Fate.RETURNED, shipped, delivered, returned
    return Fate.DELIVERED, shipped, delivered, None


class _Buyers:
    """Says who comes next: a few customers come often, most rarely, and the first, whom a person plays, at times."""

    def __init__(self, chance: random.Random, customers: Sequence[Customer]) -> None:
        self._chance = chance
        self._weighted = zipf(customers[::-1], 0.55)

    def next(self) -> Customer:
        return self._weighted.draw(self._chance)


class _Baskets:
    """Fills baskets from the shelves."""

    def __init__(self, chance: random.Random, catalogue: Catalogue) -> None:
        self._chance = chance
        self._prices = PriceList(catalogue)
        self._shelves: dict[str, list[Item]] = defaultdict(list)
        for item in catalogue.items:
            self._shelves[item.shelf.name].append(item)
        self._favourites = {
            (name, style): zipf(chance.sample(items, len(items)), 1.0)
            for name, items in self._shelves.items()
            for style in range(STYLES)
        }
        self._owned: dict[str, deque[Item]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))
        self._appeal = {name: self._appeals() for name in self._shelves}
        self._by_taste: dict[tuple[int, int, tuple[str, ...]], Weighted[str]] = {}

    def _appeals(self) -> list[float]:
        """Draw how much each style likes a shelf that all of them together like more or less."""
        drawn = [self._chance.lognormvariate(0, _TASTE) for _ in range(STYLES)]
        together = self._chance.uniform(0.6, 1.6) * STYLES / sum(drawn)
        return [each * together for each in drawn]

    def fill(self, customer: Customer, at: datetime) -> tuple[BoughtLine, ...]:
        """Fill one basket: something to begin with, what goes with it, and sometimes something else."""
        chosen: dict[str, Item] = {}
        first = self._first(customer, at)
        for item in chain([first], self._companions(first, customer, at)):
            chosen.setdefault(item.row.id, item)
        while self._chance.random() < 0.25:
            item = self._pick(self._shelf_for(customer, at), customer, at)
            chosen.setdefault(item.row.id, item)
        items = list(chosen.values())[:_MOST_LINES]
        self._owned[customer.user.id].extend(items)
        main = self._chance.choice((0, 0, 1) if customer.currency == "EUR" else (2, 2, 2, 1))
        return tuple(self._line(item, customer, at, main) for item in items)

    def _first(self, customer: Customer, at: datetime) -> Item:
        """Begin with what goes with something that the customer has, or with something new."""
        if self._chance.random() < _COMES_BACK:
            missing = self._missing(customer, at)
            if missing:
                return self._chance.choice(missing)
        return self._pick(self._shelf_for(customer, at), customer, at)

    def _missing(self, customer: Customer, at: datetime) -> list[Item]:
        """Name what belongs to things that were bought lately, is in season, and was not bought with them."""
        owned = self._owned[customer.user.id]
        mates = (
            self._shelves[shelf][number]
            for item in owned
            for shelf, numbers in item.mates.items()
            if self._chance.random() < self._shelves[shelf][0].shelf.season[at.month - 1]
            for number in numbers
        )
        return [mate for mate in mates if mate.launched_at <= at and mate not in owned]

    def _shelf_for(self, customer: Customer, at: datetime) -> str:
        key = (at.month, customer.style, customer.favourites)
        if key not in self._by_taste:
            names = list(self._shelves)
            self._by_taste[key] = Weighted(names, [self._wish(name, key) for name in names])
        return self._by_taste[key].draw(self._chance)

    def _wish(self, name: str, key: tuple[int, int, tuple[str, ...]]) -> float:
        month, style, favourites = key
        shelf = self._shelves[name][0].shelf
        return (
            self._appeal[name][style] * shelf.season[month - 1] * (_DEVOTION if shelf.department in favourites else 1.0)
        )

    def _pick(self, shelf: str, customer: Customer, at: datetime) -> Item:
        weighted = self._favourites[shelf, customer.style]
        for _ in range(20):
            item = weighted.draw(self._chance)
            if item.launched_at <= at:
                return item
        return next((item for item in weighted.things if item.launched_at <= at), weighted.things[0])

    def _companions(self, item: Item, customer: Customer, at: datetime) -> list[Item]:
        return [
            self._mate(item, shelf, customer, at)
            for shelf, often in item.shelf.goes_with.items()
            if self._chance.random() < often
        ]

    def _mate(self, item: Item, shelf: str, customer: Customer, at: datetime) -> Item:
        """Choose from a shelf what goes with an item: mostly what belongs to it."""
        mate = self._shelves[shelf][self._chance.choice(item.mates[shelf])]
        close = self._chance.random() < 0.8 and mate.launched_at <= at
        return mate if close else self._pick(shelf, customer, at)

    def _line(self, item: Item, customer: Customer, at: datetime, main: int) -> BoughtLine:
        variant = self._variant(item, customer)
        return BoughtLine(
            item=item,
            variant=variant,
            quantity=self._chance.choices((1, 2, 3, 4), (82, 12, 3, 3))[0],
            unit_price=self._prices.price(item, variant, customer.currency, at),
            warehouse=main if self._chance.random() < 0.93 else self._chance.randrange(3),
        )

    def _variant(self, item: Item, customer: Customer) -> VariantRow:
        if {"size", "shoe"} & set(item.variants[0].attributes):
            fitting = [one for one in item.variants if one.position % 3 == customer.fit]
            return self._chance.choice(fitting or item.variants)
        return self._chance.choice(item.variants)
