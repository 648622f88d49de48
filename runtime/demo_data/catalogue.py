"""Makes the catalogue: categories, types, products, variants, prices in two currencies, promotions, collections."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice, product
from typing import Final

from runtime.demo_data.assortment import Assortment, ShelfPlan, TypePlan
from runtime.demo_data.chance import Ids, stream
from subgraphs.products.domain.attributes import AttributeDefinition, AttributeKind
from subgraphs.products.domain.slugs import slugify
from subgraphs.products.storage.bulk import (
    CategoryRow,
    CollectionRow,
    PriceRow,
    ProductRow,
    ProductTypeRow,
    PromotionRow,
    VariantRow,
)

CURRENCIES: Final = ("EUR", "USD")
_DOLLARS_PER_EURO: Final = 1.1
_MOST_VARIANTS: Final = 4

_SERIES: Final = (
    "Aalto", "Birka", "Brisa", "Cala", "Dovre", "Elba", "Fjella", "Gotska", "Havn", "Iluma", "Juno", "Kivi",
    "Lofoten", "Mare", "Nola", "Ostra", "Pihla", "Quinta", "Runa", "Sola", "Tarn", "Ulma", "Visby", "Westra",
    "Ylva", "Zora", "Alba", "Bergen", "Carrara", "Duna", "Esker", "Fanø", "Garda", "Hella", "Inari", "Jura",
)  # fmt: skip
_BRANDS: Final = {
    "Home": ("Norrsken", "Casa Lume", "Holt & Daughter"),
    "Kitchen": ("Herd", "Fábrica Branca", "Copper Lane"),
    "Fashion": ("Atelier Meridian", "Tolv", "Maré"),
    "Outdoor": ("Fellhouse", "Kaldø", "Trailhead"),
    "Electronics": ("Oberton", "Voltaic", "Plain Signal"),
    "Books and paper": ("Harbour Press", "Blank & Co", "Sextant"),
    "Body and play": ("Brook", "Kinderholz", "Saltmeadow"),
}
_LABELS: Final = {
    "finish": "Finish", "fabric": "Fabric", "size": "Size", "shoe": "Shoe size", "color": "Color", "pack": "Pack",
    "volume": "Volume", "portion": "Portion", "format": "Format", "capacity": "Capacity", "measure": "Size",
}  # fmt: skip
_STEP_PRICES: Final = frozenset({"pack", "volume", "portion", "capacity", "measure"})
"""Axes along which a variant costs more than the one before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A product as the order history sees it: where it stands and what can be bought of it."""

    row: ProductRow
    shelf: ShelfPlan
    category_path: tuple[str, ...]
    variants: tuple[VariantRow, ...]
    mates: Mapping[str, tuple[int, ...]]
    """Of each shelf that goes with this one, the products (by number) that buyers of this one take."""

    @property
    def launched_at(self) -> datetime:
        """When the product came on sale."""
        return self.row.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The whole catalogue, ready to be loaded."""

    categories: tuple[CategoryRow, ...]
    types: tuple[ProductTypeRow, ...]
    items: tuple[Item, ...]
    prices: tuple[PriceRow, ...]
    promotions: tuple[PromotionRow, ...]
    collections: tuple[CollectionRow, ...]


def make_catalogue(seed: int, assortment: Assortment, begin: datetime, now: datetime) -> Catalogue:
    """Make the catalogue of a shop that has been selling since `begin`."""
    chance = stream(seed, "catalogue")
    ids = Ids(chance)
    categories = _categories(ids, assortment, begin)
    types = {slug: _product_type(ids, plan, assortment, begin) for slug, plan in assortment.types.items()}
    maker = _ProductMaker(chance=chance, ids=ids, assortment=assortment, types=types, begin=begin, now=now)
    items: list[Item] = []
    prices: list[PriceRow] = []
    for shelf in assortment.shelves:
        for name, number in zip(maker.names(shelf), range(shelf.count), strict=False):
            item, item_prices = maker.make(shelf, categories[shelf.path].path, name, number)
            items.append(item)
            prices.extend(item_prices)
    return Catalogue(
        categories=tuple(categories.values()),
        types=tuple(types.values()),
        items=tuple(items),
        prices=tuple(prices),
        promotions=tuple(_promotions(ids, tuple(categories.values()), begin, now)),
        collections=tuple(_collections(chance, ids, items, now)),
    )


def _categories(ids: Ids, assortment: Assortment, begin: datetime) -> dict[tuple[str, ...], CategoryRow]:
    """Make the tree, parents first, each category under the names from its root down to itself."""
    paths = dict.fromkeys(shelf.path[:depth] for shelf in assortment.shelves for depth in range(1, len(shelf.path) + 1))
    bearers = Counter(path[-1] for path in paths)
    rows: dict[tuple[str, ...], CategoryRow] = {}
    for names in paths:
        parent, own = rows.get(names[:-1]), ids.new("cat", begin)
        rows[names] = CategoryRow(
            id=own,
            slug=slugify(names[-1] if bearers[names[-1]] == 1 else " ".join(names)),
            name=names[-1],
            path=(*(parent.path if parent else ()), own),
            parent_id=parent.id if parent else None,
            position=len(rows),
        )
    return rows


def _product_type(ids: Ids, plan: TypePlan, assortment: Assortment, begin: datetime) -> ProductTypeRow:
    definitions = [
        AttributeDefinition(code="material", label="Material", kind=AttributeKind.CHOICE, choices=plan.materials),
        AttributeDefinition(code="care", label="Care", kind=AttributeKind.TEXT),
    ]
    definitions += [
        AttributeDefinition(
            code=axis,
            label=_LABELS[axis],
            kind=AttributeKind.CHOICE,
            choices=assortment.options[axis],
            for_variants=True,
            required=True,
        )
        for axis in plan.axes
    ]
    return ProductTypeRow(id=ids.new("ptype", begin), slug=plan.slug, name=plan.name, attributes=tuple(definitions))


class _ProductMaker:
    """Makes products with their variants and prices, never two of one name."""

    def __init__(
        self,
        *,
        chance: random.Random,
        ids: Ids,
        assortment: Assortment,
        types: Mapping[str, ProductTypeRow],
        begin: datetime,
        now: datetime,
    ) -> None:
        self._chance = chance
        self._ids = ids
        self._assortment = assortment
        self._types = types
        self._begin = begin
        self._now = now
        self._numbers = iter(range(1, 10_000))
        self._counts = {shelf.name: shelf.count for shelf in assortment.shelves}

    def names(self, shelf: ShelfPlan) -> Iterator[str]:
        """Draw names for the products of a shelf."""
        series = self._chance.sample(_SERIES, len(_SERIES))
        combinations = self._chance.sample(
            list(product(shelf.styles, shelf.nouns)), len(shelf.styles) * len(shelf.nouns)
        )
        for number in range(shelf.count):
            style, noun = combinations[number % len(combinations)]
            title = f"{style} {noun}"
            yield f"{title} of {series[number]}" if shelf.type_slug == "book" else f"{series[number]} {title}"

    def make(self, shelf: ShelfPlan, path: tuple[str, ...], name: str, number: int) -> tuple[Item, list[PriceRow]]:
        """Make one product of a shelf."""
        chance, plan = self._chance, self._assortment.types[shelf.type_slug]
        born = self._birthday()
        material = next((each for each in plan.materials if each in name), chance.choice(plan.materials))
        row = ProductRow(
            id=self._ids.new("prod", born),
            slug=slugify(name),
            name=name,
            type_id=self._types[shelf.type_slug].id,
            created_at=born,
            category_id=path[-1],
            description=self._description(plan, name),
            brand=chance.choice(_BRANDS[shelf.department]),
            tags=self._tags(shelf, born),
            attributes={"material": (material,), "care": (plan.care,)},
        )
        variants, prices = self._variants(shelf, plan, row, next(self._numbers))
        mates = {
            other: tuple((number * 2 + step) % self._counts[other] for step in range(2)) for other in shelf.goes_with
        }
        item = Item(row=row, shelf=shelf, category_path=path, variants=variants, mates=mates)
        return item, prices

    def _birthday(self) -> datetime:
        """Three of four products were there from the start; the others were launched since."""
        if self._chance.random() < 0.75:
            return self._begin - timedelta(days=self._chance.uniform(1, 60))
        span = (self._now - self._begin).days - 40
        return self._begin + timedelta(days=self._chance.uniform(10, span))

    def _description(self, plan: TypePlan, name: str) -> str:
        opening = self._chance.choice(plan.openings).format(name=name)
        facts = "".join(f"<li>{fact}</li>" for fact in self._chance.sample(plan.facts, 3))
        return f"<p>{opening}</p><ul>{facts}</ul>"

    def _tags(self, shelf: ShelfPlan, born: datetime) -> tuple[str, ...]:
        tags = [shelf.department.lower()]
        if born > self._now - timedelta(days=120):
            tags.append("new")
        if self._chance.random() < 0.12:
            tags.append("bestseller")
        return tuple(tags)

    def _variants(
        self, shelf: ShelfPlan, plan: TypePlan, row: ProductRow, number: int
    ) -> tuple[tuple[VariantRow, ...], list[PriceRow]]:
        base = self._chance.uniform(*shelf.price)
        grams = self._chance.randint(*shelf.weight)
        variants: list[VariantRow] = []
        prices: list[PriceRow] = []
        for position, values in enumerate(self._choices(plan)):
            weight = grams if not _STEP_PRICES & set(plan.axes) else round(grams * (1 + 0.4 * position))
            variant = VariantRow(
                id=self._ids.new("var", row.created_at),
                product_id=row.id,
                sku="-".join((_letters(shelf.name), f"{number:04d}", *(_letters(value) for value in values))),
                name=" / ".join(values),
                options={_LABELS[axis]: value for axis, value in zip(plan.axes, values, strict=True)},
                attributes={axis: (value,) for axis, value in zip(plan.axes, values, strict=True)},
                weight_grams=0 if values == ("E-book",) else weight,
                position=position,
            )
            variants.append(variant)
            prices.extend(_prices(variant.id, base * _markup(plan.axes, values, position)))
        return tuple(variants), prices

    def _choices(self, plan: TypePlan) -> list[tuple[str, ...]]:
        """Choose the combinations of options in which a product comes, in the order of the options."""
        axes = [self._assortment.options[axis] for axis in plan.axes]
        if len(axes) == 1:
            count = self._chance.randint(2, min(_MOST_VARIANTS, len(axes[0])))
            start = self._chance.randint(0, len(axes[0]) - count)
            return [(value,) for value in axes[0][start : start + count]]
        sizes = axes[0][self._chance.randint(0, 2) :][:3]
        colors = sorted(self._chance.sample(axes[1], self._chance.randint(1, 2)))
        return [(size, color) for color in colors for size in sizes]


def _letters(text: str) -> str:
    """Shorten a name for a SKU: capital letters and digits, five at most."""
    return "".join(char for char in text.upper() if char.isascii() and char.isalnum())[:5]


def _markup(axes: tuple[str, ...], values: tuple[str, ...], position: int) -> float:
    if values[0] == "E-book":
        return 0.6
    return 1 + 0.45 * position if _STEP_PRICES & set(axes) else 1.0


def _prices(variant_id: str, euros: float) -> list[PriceRow]:
    """Price a variant in each currency, as shops do: a whole number less five or ten cents."""
    end = 10 if euros >= 50 else 5
    return [
        PriceRow(variant_id=variant_id, currency=currency, minor=round(euros * rate) * 100 - end)
        for currency, rate in zip(CURRENCIES, (1.0, _DOLLARS_PER_EURO), strict=True)
    ]


def _promotions(
    ids: Ids, categories: tuple[CategoryRow, ...], begin: datetime, now: datetime
) -> Iterator[PromotionRow]:
    """A sale each Black Friday and each July of the past, and three promotions that run now."""
    roots = tuple(each.id for each in categories if each.parent_id is None)
    by_name = {each.name: each.id for each in categories}

    def promotion(
        name: str, starts: datetime, ends: datetime, chosen: tuple[str, ...], *, percent: int = 0, off: int = 0
    ) -> PromotionRow:
        return PromotionRow(
            id=ids.new("promo", starts),
            name=name,
            starts_at=starts,
            ends_at=ends,
            percent=Decimal(percent) if percent else None,
            amounts=dict.fromkeys(CURRENCIES, off) if off else None,
            category_ids=chosen,
        )

    for year in range(begin.year, now.year + 1):
        friday = black_friday(year)
        if begin < friday < now - timedelta(days=10):
            yield promotion(f"Black Friday {year}", friday, friday + timedelta(days=4), roots, percent=20)
        july = datetime(year, 7, 1, tzinfo=UTC)
        if begin < july < now - timedelta(days=30):
            summer = (by_name["Fashion"], by_name["Camping"])
            yield promotion(f"Summer sale {year}", july, july + timedelta(days=21), summer, percent=15)
    soon, later = now - timedelta(days=9), now + timedelta(days=75)
    yield promotion("Light up your evenings", soon, later, (by_name["Lighting"],), percent=15)
    yield promotion("Ten off boots", soon, later, (by_name["Boots"],), off=1000)
    yield promotion("Coffee week", soon, later, (by_name["Coffee and tea"],), percent=10)


def black_friday(year: int) -> datetime:
    """The Friday after the fourth Thursday of November."""
    first = datetime(year, 11, 1, tzinfo=UTC)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)


def _collections(chance: random.Random, ids: Ids, items: list[Item], now: datetime) -> Iterator[CollectionRow]:
    def collection(name: str, words: str, chosen: list[Item]) -> CollectionRow:
        members = tuple(each.row.id for each in islice(chosen, 24))
        return CollectionRow(
            id=ids.new("coll", now), slug=slugify(name), name=name, description=words, product_ids=members
        )

    newest = sorted(items, key=lambda each: each.launched_at, reverse=True)
    loved = [each for each in items if "bestseller" in each.row.tags]
    gifts = chance.sample(loved, len(loved))
    desk = [each for each in items if each.shelf.name in {"Table lamps", "Notebooks", "Pens", "Headphones"}]
    yield collection("New arrivals", "What came in last.", newest)
    yield collection("Gifts that stay", "What people give, and get again for themselves.", gifts)
    yield collection("A desk to think at", "Light, paper, ink and quiet.", desk)
