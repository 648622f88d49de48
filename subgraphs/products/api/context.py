"""What catalogue resolvers lean on during a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import strawberry
from aiodataloader import DataLoader
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.loaders import by_key, lists_by_key
from subgraphs.products.domain.categories import Category
from subgraphs.products.domain.collections import Collection
from subgraphs.products.domain.documents import ProductDocument
from subgraphs.products.domain.pricing import Promotion
from subgraphs.products.domain.products import ProductType
from subgraphs.products.domain.search import Audience
from subgraphs.products.service import CatalogueService, documents
from subgraphs.products.service.caching import BuyersCache
from subgraphs.products.storage import catalogue
from subgraphs.products.storage.catalogue import CatalogueEntry, VariantEntry
from subgraphs.products.storage.tables import categories, collections, product_types, products, variants

Found = TypeVar("Found")

_BUYERS = frozenset({"anonymous", "customer"})
"""Who may see what is some moments old: they change nothing of the catalogue."""


@dataclass(frozen=True, slots=True)
class CatalogueLoaders:
    """What is fetched for many at once."""

    product: DataLoader[str, CatalogueEntry | None]
    product_by_slug: DataLoader[str, CatalogueEntry | None]
    variant: DataLoader[str, VariantEntry | None]
    variant_by_sku: DataLoader[str, VariantEntry | None]
    variants_of_product: DataLoader[str, Sequence[VariantEntry]]
    promotions: DataLoader[str, Sequence[Promotion]]
    """All that run now, under whatever key."""
    document: DataLoader[str, ProductDocument | None]
    product_type: DataLoader[str, ProductType | None]
    category: DataLoader[str, Category | None]
    category_by_slug: DataLoader[str, Category | None]
    children: DataLoader[str, Sequence[Category]]
    collection: DataLoader[str, Collection | None]
    collection_by_slug: DataLoader[str, Collection | None]
    collections_of_product: DataLoader[str, Sequence[Collection]]


CatalogueContext = Context[CatalogueService, CatalogueLoaders]
Info = strawberry.Info[CatalogueContext, None]


def audience_of(caller: Caller) -> Audience:
    """Tell whose eyes a caller has: staff see drafts, vendors their own ones."""
    return Audience(
        everything=caller.works_here or caller.is_service,
        owner_id=caller.id if caller.kind == "vendor" else None,
    )


def make_context(service: CatalogueService, caller: Caller) -> CatalogueContext:
    """Make the context of one request."""
    loaders = _loaders(service)
    if service.cache is not None and caller.kind in _BUYERS:
        loaders = _kept_for_buyers(loaders, service.cache)
    return Context(caller=caller, service=service, loaders=loaders)


def _kept_for_buyers(loaders: CatalogueLoaders, cache: BuyersCache) -> CatalogueLoaders:
    async def by_id(_keys: Sequence[str]) -> Mapping[str, Category]:
        return (await cache.tree()).by_id

    async def by_slug(_keys: Sequence[str]) -> Mapping[str, Category]:
        return (await cache.tree()).by_slug

    async def children(_keys: Sequence[str]) -> Mapping[str, Sequence[Category]]:
        return (await cache.tree()).children

    return replace(
        loaders,
        product=by_key(cache.products),
        product_by_slug=by_key(cache.products_by_slug),
        variants_of_product=lists_by_key(cache.variants_of_products),
        category=by_key(by_id),
        category_by_slug=by_key(by_slug),
        children=lists_by_key(children),
    )


def _loaders(service: CatalogueService) -> CatalogueLoaders:
    def reading(
        read: Callable[[AsyncSession, Sequence[str]], Awaitable[Found]],
    ) -> Callable[[Sequence[str]], Awaitable[Found]]:
        async def fetch(keys: Sequence[str]) -> Found:
            async with service.database.session() as session:
                return await read(session, keys)

        return fetch

    async def promotions(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, Sequence[Promotion]]:
        return dict.fromkeys(keys, await catalogue.running_promotions(session, service.clock.now()))

    async def families(session: AsyncSession, column: ColumnElement[str], keys: Sequence[str]) -> list[Category]:
        """Read categories; what their pages show of the tree comes along."""
        found = await catalogue.families_of(session, column, keys)
        wanted = [each for each in found if (each.id if column is categories.c.id else each.slug) in keys]
        for each in found:
            category.prime(each.id, each)
        for each in wanted:
            children.prime(each.id, [child for child in found if child.parent_id == each.id])
        return wanted

    async def categories_by_id(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, Category]:
        return {each.id: each for each in await families(session, categories.c.id, keys)}

    async def categories_by_slug(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, Category]:
        return {each.slug: each for each in await families(session, categories.c.slug, keys)}

    category = by_key(reading(categories_by_id))
    children = lists_by_key(reading(_children))
    return CatalogueLoaders(
        product=by_key(reading(_products)),
        product_by_slug=by_key(reading(_products_by_slug)),
        variant=by_key(reading(_variants)),
        variant_by_sku=by_key(reading(_variants_by_sku)),
        variants_of_product=lists_by_key(reading(catalogue.variants_of_products)),
        promotions=lists_by_key(reading(promotions)),
        document=by_key(partial(documents.read, service)),
        product_type=by_key(reading(_product_types)),
        category=category,
        category_by_slug=by_key(reading(categories_by_slug)),
        children=children,
        collection=by_key(reading(_collections)),
        collection_by_slug=by_key(reading(_collections_by_slug)),
        collections_of_product=lists_by_key(reading(catalogue.collections_of_products)),
    )


async def _products(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, CatalogueEntry]:
    return {each.id: each for each in await catalogue.products_by(session, products.c.id, keys)}


async def _products_by_slug(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, CatalogueEntry]:
    return {each.content.slug: each for each in await catalogue.products_by(session, products.c.slug, keys)}


async def _variants(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, VariantEntry]:
    return {each.variant.id: each for each in await catalogue.variants_by(session, variants.c.id, keys)}


async def _variants_by_sku(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, VariantEntry]:
    return {each.variant.sku: each for each in await catalogue.variants_by(session, variants.c.sku, keys)}


async def _product_types(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, ProductType]:
    return {each.id: each for each in await catalogue.product_types_by(session, product_types.c.id, keys)}


async def _children(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, Sequence[Category]]:
    found: dict[str, list[Category]] = {key: [] for key in keys}
    for each in await catalogue.categories_by(session, categories.c.parent_id, keys):
        if each.parent_id is not None:
            found[each.parent_id].append(each)
    return found


async def _collections(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, Collection]:
    return {each.id: each for each in await catalogue.collections_by(session, collections.c.id, keys)}


async def _collections_by_slug(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, Collection]:
    return {each.slug: each for each in await catalogue.collections_by(session, collections.c.slug, keys)}
