"""What buyers read again and again, kept in this process and, where there is Redis, shared between processes.

Events forget what has changed, as soon as they are committed, through PostgreSQL's notifications: a product with its
variants by `ProductCreated`, `ProductUpdated` and `PriceChanged`, everything by `CategoryChanged`. Nothing is older
than a bound whatever gets lost: half of it passes at most where things are shared, half of it in this process. Only
buyers are answered from here: who works on the catalogue sees the database, and so what they have just written; and
nothing is sold by what is kept here.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement

from kernel.cache import LRU
from kernel.database import Database, plain_url
from kernel.events.listening import Listener
from kernel.events.outbox import FEED
from subgraphs.products.domain.categories import Category
from subgraphs.products.storage import catalogue
from subgraphs.products.storage.catalogue import CatalogueEntry, VariantEntry
from subgraphs.products.storage.shared_cache import SharedCache
from subgraphs.products.storage.tables import products

Value = TypeVar("Value")
Read = Callable[[Sequence[str]], Awaitable[Mapping[str, Value]]]

_OF_PRODUCTS: Final = frozenset({"ProductCreated", "ProductUpdated", "PriceChanged"})
_OF_CATEGORIES: Final = "CategoryChanged"
_PRODUCTS: Final = 5000
_WHOLE: Final = "whole"


class Shelf(Generic[Value]):
    """Keeps things of one kind by key.

    Args:
        kind: of what, as shared keys begin.
        type_: of the things, as they are decoded.
        shared: what other processes have read.
        seconds: for how long anything is kept.
        size: how many are kept in this process.
    """

    def __init__(self, kind: str, type_: Any, shared: SharedCache | None, *, seconds: float, size: int) -> None:
        self._kind = kind
        self._shared = shared
        self._seconds = seconds
        self._own: LRU[str, tuple[float, Value]] = LRU(size)
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Value] = msgspec.msgpack.Decoder(type_)
        self._changes = 0

    async def get(self, keys: Sequence[str], read: Read[Value]) -> Mapping[str, Value]:
        """Give what is kept of these and read the rest."""
        began, changes = time.monotonic(), self._changes
        found = {key: entry[1] for key in keys if (entry := self._own.get(key)) is not None and entry[0] > began}
        missing = [key for key in keys if key not in found]
        if not missing:
            return found
        fresh = await self._fetch(missing, read, began)
        if changes == self._changes:  # what changed while it was read may have been read as it was
            for key, value in fresh.items():
                self._own.put(key, (began + self._seconds, value))
        return {**found, **fresh}

    def forget(self, key: str) -> None:
        """Forget one in this process."""
        self._changes += 1
        self._own.discard(key)

    def forget_everything(self) -> None:
        """Forget all in this process."""
        self._changes += 1
        self._own.clear()

    def shared_key(self, key: str) -> str:
        """Name one as all processes do."""
        return f"{self._kind}:{key}"

    async def _fetch(self, keys: Sequence[str], read: Read[Value], began: float) -> dict[str, Value]:
        if self._shared is None:
            return dict(await read(keys))
        era, kept = await self._shared.get([self.shared_key(key) for key in keys])
        found = {key: self._decoder.decode(kept[name]) for key in keys if (name := self.shared_key(key)) in kept}
        missing = [key for key in keys if key not in found]
        if missing:
            fresh = await read(missing)
            encoded = {self.shared_key(key): self._encoder.encode(value) for key, value in fresh.items()}
            await self._shared.put(era, encoded, began=began)
            found |= fresh
        return found


@dataclass(frozen=True)
class CategoryTree:
    """All categories, in the order of their siblings."""

    categories: tuple[Category, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Category]:
        """Find them by their ids."""
        return {each.id: each for each in self.categories}

    @cached_property
    def by_slug(self) -> Mapping[str, Category]:
        """Find them by their slugs."""
        return {each.slug: each for each in self.categories}

    @cached_property
    def children(self) -> Mapping[str, Sequence[Category]]:
        """Find those right below each."""
        found: defaultdict[str, list[Category]] = defaultdict(list)
        for each in self.categories:
            if each.parent_id is not None:
                found[each.parent_id].append(each)
        return found


class BuyersCache:
    """Keeps products, their variants with prices, and the category tree.

    Args:
        database: whose notifications are heard.
        shared: what other processes have read, where there is Redis.
        seconds: how old anything may be.
    """

    def __init__(self, database: Database, shared: SharedCache | None, *, seconds: float) -> None:
        half = seconds / 2
        self._database = database
        self._shared = shared
        self._products: Shelf[CatalogueEntry] = Shelf("product", CatalogueEntry, shared, seconds=half, size=_PRODUCTS)
        self._slugs: Shelf[str] = Shelf("slug", str, shared, seconds=half, size=_PRODUCTS)
        self._variants: Shelf[Sequence[VariantEntry]] = Shelf(
            "variants", list[VariantEntry], shared, seconds=half, size=_PRODUCTS
        )
        self._trees: Shelf[CategoryTree] = Shelf("tree", CategoryTree, shared, seconds=half, size=1)
        self._changed: set[str] = set()
        self._anything = False
        self._heard = asyncio.Event()
        self._listener = Listener(plain_url(database.url), self._hear, self._hear_anything, channel=FEED)
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def products(self, ids: Sequence[str]) -> Mapping[str, CatalogueEntry]:
        """Give products by their ids."""
        return await self._get(self._products, ids, partial(self._read_products, products.c.id))

    async def products_by_slug(self, slugs: Sequence[str]) -> Mapping[str, CatalogueEntry]:
        """Give products by their slugs."""
        fresh: dict[str, CatalogueEntry] = {}

        async def ids_of(wanted: Sequence[str]) -> Mapping[str, str]:
            fresh.update(await self._read_products(products.c.slug, wanted))
            return {entry.content.slug: entry.id for entry in fresh.values()}

        async def entries(ids: Sequence[str]) -> Mapping[str, CatalogueEntry]:
            left = [each for each in ids if each not in fresh]
            return {**fresh, **(await self._read_products(products.c.id, left) if left else {})}

        ids = await self._get(self._slugs, slugs, ids_of)
        found = await self._get(self._products, list(ids.values()), entries)
        named = {entry.content.slug: entry for entry in found.values()}
        # A slug that led to another product before is looked up where it is true.
        moved = [slug for slug in ids if slug not in named]
        again = await self._read_products(products.c.slug, moved) if moved else {}
        return {**named, **{entry.content.slug: entry for entry in again.values()}}

    async def variants_of_products(self, ids: Sequence[str]) -> Mapping[str, Sequence[VariantEntry]]:
        """Give the variants of products."""

        async def read(wanted: Sequence[str]) -> Mapping[str, Sequence[VariantEntry]]:
            async with self._database.session() as session:
                return dict(await catalogue.variants_of_products(session, wanted))

        return await self._get(self._variants, ids, read)

    async def tree(self) -> CategoryTree:
        """Give the category tree."""
        return (await self._get(self._trees, [_WHOLE], self._read_tree))[_WHOLE]

    async def close(self) -> None:
        """Hear no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._shared is not None:
            await self._shared.close()

    async def _get(self, shelf: Shelf[Value], keys: Sequence[str], read: Read[Value]) -> Mapping[str, Value]:
        """Give what is kept, once what changes is heard of; before that, what is read."""
        if not self._tasks:
            self._tasks = (asyncio.create_task(self._listener.listen()), asyncio.create_task(self._forget_shared()))
        if not self._listener.ready.is_set():
            return await read(keys)
        return await shelf.get(keys, read)

    async def _read_products(self, column: ColumnElement[str], keys: Sequence[str]) -> Mapping[str, CatalogueEntry]:
        async with self._database.session() as session:
            return {each.id: each for each in await catalogue.products_by(session, column, keys)}

    async def _read_tree(self, keys: Sequence[str]) -> Mapping[str, CategoryTree]:
        async with self._database.session() as session:
            tree = CategoryTree(tuple(await catalogue.all_categories(session)))
        return dict.fromkeys(keys, tree)

    def _hear(self, notice: str) -> None:
        schema, kind, subject = notice.split(" ", 2)
        if schema != self._database.schema:
            return
        if kind == _OF_CATEGORIES:
            self._hear_anything()
        elif kind in _OF_PRODUCTS:
            self._forget([subject])
            self._changed.add(subject)
            self._heard.set()

    def _hear_anything(self) -> None:
        """After a time of not hearing, anything may have changed."""
        self._forget_everything()
        self._anything = True
        self._heard.set()

    async def _forget_shared(self) -> None:
        """Let go what is shared; then once more what was taken from there meanwhile."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            changed, self._changed = self._changed, set()
            anything, self._anything = self._anything, False
            if self._shared is None:
                continue
            if anything:
                await self._shared.forget_everything()
                self._forget_everything()
            else:
                shelves = self._products, self._variants
                await self._shared.forget([shelf.shared_key(each) for shelf in shelves for each in changed])
                self._forget(changed)

    def _forget(self, product_ids: Iterable[str]) -> None:
        for product_id in product_ids:
            self._products.forget(product_id)
            self._variants.forget(product_id)

    def _forget_everything(self) -> None:
        for shelf in (self._products, self._variants, self._trees, self._slugs):
            shelf.forget_everything()
