"""Writing products: of a change, only what differs is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, Text, insert, literal, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.products.domain.attributes import ReferenceTarget
from subgraphs.products.domain.products import Product, ProductType, Variant
from subgraphs.products.storage.catalogue import (
    aggregate_variants,
    read_product,
    select_products,
)
from subgraphs.products.storage.conditions import among
from subgraphs.products.storage.records import (
    attributes_to_json,
    keywords,
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
from subgraphs.products.storage.taxonomy import category_words

_OWNERS: Final[dict[ReferenceTarget | None, Table]] = {
    None: assets,
    ReferenceTarget.PRODUCT: products,
    ReferenceTarget.CATEGORY: categories,
    ReferenceTarget.COLLECTION: collections,
    ReferenceTarget.BRAND: brands,
}
"""Where what an attribute may refer to is found; files are named by no target."""


async def lock_product(
    session: AsyncSession, *, product_id: str | None = None, slug: str | None = None
) -> tuple[Product, ProductType] | None:
    """Read a product with all its variants, and its type; nobody else can change it until the transaction ends."""
    wanted = products.c.id == product_id if product_id is not None else products.c.slug == slug
    row = (await session.execute(select_products().where(wanted).with_for_update(of=products))).one_or_none()
    if row is None:
        return None
    entry = read_product(row)
    product = Product(
        id=entry.id,
        content=entry.content,
        variants=await aggregate_variants(session, entry.id),
        version=entry.version,
        created_at=entry.created_at,
        updated_at=entry.updated_at,
    )
    return product, entry.type


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
    known = [select(_OWNERS[target].c.id).where(among(_OWNERS[target].c.id, ids)) for target, ids in named.items()]
    found = set((await session.execute(union_all(*known))).scalars())
    return sorted(set().union(*named.values()) - found)


async def insert_product(session: AsyncSession, product: Product, product_type: ProductType) -> None:
    """Write a new product with its variants and prices.

    Raises:
        IntegrityError: `products_slug`, `variants_sku` or `products_category`.
    """
    await session.execute(insert(products).values(id=product.id, **_product_columns(product, product_type)))
    await _insert_variants(session, product.id, product.variants, first_position=0)


async def update_product(session: AsyncSession, before: Product, after: Product, product_type: ProductType) -> None:
    """Write what differs between two states of a product; the later one holds all variants of the earlier."""
    columns = _product_columns(after, product_type)
    await session.execute(update(products).where(products.c.id == after.id).values(columns))
    known = {variant.id: variant for variant in before.variants}
    for variant in after.variants:
        if variant.id in known and variant != known[variant.id]:
            await session.execute(update(variants).where(variants.c.id == variant.id).values(_variant_columns(variant)))
    added = [variant for variant in after.variants if variant.id not in known]
    await _insert_variants(session, after.id, added, first_position=len(known))
    changed = [variant for variant in after.variants if variant.id in known]
    await _write_prices(session, changed, known)


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
        "keywords": keywords(
            product_type.name, product_type.attributes, content.tags, content.attributes, product.variants
        ),
        "category_words": category_words(literal(content.category_id, Text)),
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
    session: AsyncSession, product_id: str, added: Sequence[Variant], *, first_position: int
) -> None:
    if not added:
        return
    await session.execute(
        insert(variants),
        [
            {"id": variant.id, "product_id": product_id, "position": position, **_variant_columns(variant)}
            for position, variant in enumerate(added, start=first_position)
        ],
    )
    await _write_prices(session, added, {})


async def _write_prices(session: AsyncSession, after: Sequence[Variant], before: dict[str, Variant]) -> None:
    rows = [
        {"variant_id": variant.id, "currency": price.currency, "minor": price.minor}
        for variant in after
        for price in variant.prices.values()
        if variant.id not in before or before[variant.id].prices.get(price.currency) != price
    ]
    if rows:
        statement = upsert(prices).values(rows)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=[prices.c.variant_id, prices.c.currency], set_={"minor": statement.excluded.minor}
            )
        )
