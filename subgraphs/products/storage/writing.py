"""Writing products: of a change, only what differs is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, bindparam, insert, or_, select, true, union_all, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.products.domain.attributes import ReferenceTarget
from subgraphs.products.domain.products import Product, ProductEdit, ProductType, Variant
from subgraphs.products.storage.catalogue import (
    aggregate_variants,
    read_product,
    select_products,
)
from subgraphs.products.storage.conditions import among
from subgraphs.products.storage.records import (
    attributes_to_json,
    keywords,
    media_to_json,
    options_to_json,
    translations_to_json,
)
from subgraphs.products.storage.tables import (
    assets,
    brands,
    categories,
    collections,
    prices,
    products,
    variants,
)
from subgraphs.products.storage.taxonomy import words_of_categories

_OWNERS: Final[dict[ReferenceTarget | None, Table]] = {
    None: assets,
    ReferenceTarget.PRODUCT: products,
    ReferenceTarget.CATEGORY: categories,
    ReferenceTarget.COLLECTION: collections,
    ReferenceTarget.BRAND: brands,
}
"""Where what an attribute may refer to is found; files are named by no target."""


async def lock_products(
    session: AsyncSession, column: ColumnElement[str], keys: Collection[str]
) -> dict[str, tuple[Product, ProductType]]:
    """Read products with all their variants, and their types, by id; nobody else can change them until the end.

    They are locked in the order of their ids, so that nobody waits in a circle.
    """
    statement = select_products().where(among(column, keys)).order_by(products.c.id).with_for_update(of=products)
    entries = [read_product(row) for row in await session.execute(statement)]
    choices = await aggregate_variants(session, [each.id for each in entries]) if entries else {}
    return {
        each.id: (
            Product(
                id=each.id,
                content=each.content,
                variants=tuple(choices.get(each.id, ())),
                version=each.version,
                created_at=each.created_at,
                updated_at=each.updated_at,
            ),
            each.type,
        )
        for each in entries
    }


async def lock_product(session: AsyncSession, product_id: str) -> tuple[Product, ProductType] | None:
    """Read a product with all its variants, and its type; nobody else can change it until the transaction ends."""
    return (await lock_products(session, products.c.id, [product_id])).get(product_id)


async def product_id_of_sku(session: AsyncSession, sku: str) -> str | None:
    """Tell which product a SKU belongs to."""
    return (await session.execute(select(variants.c.product_id).where(variants.c.sku == sku))).scalar()


async def due_for_publication(session: AsyncSession, now: datetime, most: int) -> list[str]:
    """Find products that are to be published or taken back by now; nobody else finds them meanwhile."""
    due = or_(products.c.publish_at <= now, products.c.unpublish_at <= now)
    statement = select(products.c.id).where(due).limit(most).with_for_update(skip_locked=True)
    return list((await session.execute(statement)).scalars())


async def missing_references(
    session: AsyncSession, named: Mapping[ReferenceTarget | None, Collection[str]]
) -> list[str]:
    """Name those of these things that do not exist."""
    known = [
        select(_OWNERS[target].c.id).where(among(_OWNERS[target].c.id, ids), _there(target))
        for target, ids in named.items()
    ]
    found = set((await session.execute(union_all(*known))).scalars())
    return sorted(set().union(*named.values()) - found)


def _there(target: ReferenceTarget | None) -> ColumnElement[bool]:
    """Tell whether a thing may be referred to: files once they were taken over."""
    return true() if target is not None else assets.c.state.in_(["ACCEPTED", "READY"])


async def insert_products(session: AsyncSession, made: Sequence[tuple[Product, ProductType]]) -> None:
    """Write new products with their variants and prices, whatever their number in the same statements.

    Raises:
        IntegrityError: `products_slug`, `variants_sku` or `products_category`.
    """
    places = {place for product, _ in made if (place := product.content.category_id) is not None}
    words = await words_of_categories(session, sorted(places))
    rows = [
        {
            "id": product.id,
            "category_words": words.get(product.content.category_id or "", ""),
            **_product_columns(product, product_type),
        }
        for product, product_type in made
    ]
    await session.execute(insert(products), rows)
    await _insert_variants(session, [(product.id, product.variants) for product, _ in made], {})


async def update_products(session: AsyncSession, edits: Sequence[ProductEdit]) -> None:
    """Write what differs between two states of each product; the later one holds all variants of the earlier.

    Raises:
        IntegrityError: `products_slug`, `variants_sku` or `products_category`.
    """
    rows = [{"edited": each.after.id, **_product_columns(each.after, each.product_type)} for each in edits]
    await session.execute(update(products).where(products.c.id == bindparam("edited")), rows)
    await _update_category_words(session, edits)
    known = {variant.id: variant for each in edits for variant in each.before.variants}
    kept = [variant for each in edits for variant in each.after.variants if variant.id in known]
    changed = [{"edited": variant.id, **_variant_columns(variant)} for variant in kept if variant != known[variant.id]]
    if changed:
        await session.execute(update(variants).where(variants.c.id == bindparam("edited")), changed)
    added = [(each.after.id, [new for new in each.after.variants if new.id not in known]) for each in edits]
    places = {each.after.id: len(each.before.variants) for each in edits}
    await _insert_variants(session, added, places)
    await _write_prices(session, kept, known)


async def _update_category_words(session: AsyncSession, edits: Sequence[ProductEdit]) -> None:
    moved = {
        each.after.id: each.after.content.category_id
        for each in edits
        if each.after.content.category_id != each.before.content.category_id
    }
    if moved:
        words = await words_of_categories(session, sorted({place for place in moved.values() if place is not None}))
        rows = [{"edited": one, "category_words": words.get(place or "", "")} for one, place in moved.items()]
        await session.execute(update(products).where(products.c.id == bindparam("edited")), rows)


def _product_columns(product: Product, product_type: ProductType) -> dict[str, Any]:
    content = product.content
    return {
        "slug": content.slug,
        "name": content.name,
        "description": content.description,
        "type_id": content.type_id,
        "category_id": content.category_id,
        "brand": content.brand,
        "tags": list(content.tags),
        "attributes": attributes_to_json(content.attributes),
        "published": content.published,
        "publish_at": content.publish_at,
        "unpublish_at": content.unpublish_at,
        "owner_id": content.owner_id,
        "seo_title": content.seo.title,
        "seo_description": content.seo.description,
        "translations": translations_to_json(content.translations),
        "media": media_to_json(content.media),
        "keywords": keywords(
            product_type.name, product_type.attributes, content.tags, content.attributes, product.variants
        ),
        "version": product.version,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }


def _variant_columns(variant: Variant) -> dict[str, Any]:
    return {
        "sku": variant.sku,
        "name": variant.name,
        "options": options_to_json(variant.options),
        "attributes": attributes_to_json(variant.attributes),
        "weight_grams": variant.weight_grams,
    }


async def _insert_variants(
    session: AsyncSession, added: Sequence[tuple[str, Sequence[Variant]]], places: Mapping[str, int]
) -> None:
    """Write new variants by their products, behind so many that these have already."""
    rows = [
        {"id": variant.id, "product_id": product_id, "position": position, **_variant_columns(variant)}
        for product_id, choices in added
        for position, variant in enumerate(choices, start=places.get(product_id, 0))
    ]
    if rows:
        await session.execute(insert(variants), rows)
        await _write_prices(session, [variant for _, choices in added for variant in choices], {})


async def _write_prices(session: AsyncSession, after: Sequence[Variant], before: dict[str, Variant]) -> None:
    rows = [
        {"variant_id": variant.id, "currency": price.currency, "minor": price.minor}
        for variant in after
        for price in variant.prices.values()
        if variant.id not in before or before[variant.id].prices.get(price.currency) != price
    ]
    if rows:
        statement = upsert(prices)
        written = statement.on_conflict_do_update(
            index_elements=[prices.c.variant_id, prices.c.currency], set_={"minor": statement.excluded.minor}
        )
        await session.execute(written, rows)
