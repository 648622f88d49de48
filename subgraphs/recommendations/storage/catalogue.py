"""What is known of products and categories, and whether there is any of a product to be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

_PRODUCT: Final = text("""
INSERT INTO products (product_id, name, category_id, features, published)
VALUES (:product_id, :name, :category_id, :features, :published)
ON CONFLICT (product_id) DO UPDATE SET
    name = excluded.name, category_id = excluded.category_id, features = excluded.features,
    published = excluded.published, changed_at = now()
""").bindparams(bindparam("features", type_=ARRAY(Text)))

_CATEGORY: Final = text("""
INSERT INTO categories (category_id, parent_id) VALUES (:category_id, :parent_id)
ON CONFLICT (category_id) DO UPDATE SET parent_id = excluded.parent_id
""")
_NO_CATEGORY: Final = text("DELETE FROM categories WHERE category_id = :category_id")

# Only a product that comes or goes is written: most changes of a quantity change nothing here.
_STOCK: Final = text("""
WITH told AS (
    INSERT INTO stock (sku, product_id, available) VALUES (:sku, :product_id, :available)
    ON CONFLICT (sku) DO UPDATE SET product_id = excluded.product_id, available = excluded.available
), there AS (
    SELECT :available > 0 OR EXISTS (
        SELECT FROM stock WHERE product_id = :product_id AND sku <> :sku AND available > 0) AS is
)
INSERT INTO products AS known (product_id, in_stock) SELECT :product_id, there.is FROM there
ON CONFLICT (product_id) DO UPDATE SET in_stock = excluded.in_stock WHERE known.in_stock <> excluded.in_stock
""")


async def put_product(
    session: AsyncSession,
    product_id: str,
    *,
    name: str,
    category_id: str | None,
    features: Sequence[str],
    published: bool,
) -> None:
    """Keep what is known of a product now."""
    known = {"product_id": product_id, "name": name, "category_id": category_id, "published": published}
    await session.execute(_PRODUCT, {**known, "features": list(features)})


async def put_category(session: AsyncSession, category_id: str, parent_id: str | None, *, removed: bool) -> None:
    """Keep where a category stands, or forget it."""
    statement = _NO_CATEGORY if removed else _CATEGORY
    await session.execute(statement, {"category_id": category_id, "parent_id": parent_id})


async def put_stock(session: AsyncSession, sku: str, product_id: str, available: int) -> None:
    """Keep how much of a SKU can be bought; a product of which there is none is not shown."""
    await session.execute(_STOCK, {"sku": sku, "product_id": product_id, "available": available})
