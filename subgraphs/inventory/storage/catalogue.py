"""What stock remembers of others: its warehouses, and which product a SKU belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.storage.arrays import among
from subgraphs.inventory.storage.reading import Warehouse
from subgraphs.inventory.storage.tables import bundles, skus, stock_levels, warehouses


async def add_warehouse(session: AsyncSession, warehouse: Warehouse) -> None:
    """Write a new warehouse.

    Raises:
        IntegrityError: `warehouses_code` when the code is taken.
    """
    await session.execute(insert(warehouses).values(asdict(warehouse)))


async def change_warehouse(session: AsyncSession, warehouse_id: str, changes: dict[str, Any]) -> Warehouse | None:
    """Change some columns of a warehouse; give it as it is now, or None where there is none."""
    statement = update(warehouses).where(warehouses.c.id == warehouse_id).values(changes).returning(warehouses)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Warehouse(**row._asdict())


async def set_skus(session: AsyncSession, product_id: str, variants: Sequence[tuple[str, str, str]]) -> None:
    """Remember that a product has exactly these variants, each a SKU, an id and a name."""
    await session.execute(
        delete(skus).where(skus.c.product_id == product_id, ~among(skus.c.sku, [sku for sku, _, _ in variants]))
    )
    if not variants:
        return
    rows = [
        {"sku": sku, "product_id": product_id, "variant_id": variant_id, "name": name}
        for sku, variant_id, name in variants
    ]
    statement = upsert(skus).values(rows)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[skus.c.sku],
            set_={name: statement.excluded[name] for name in ("product_id", "variant_id", "name")},
        )
    )


async def set_bundle(session: AsyncSession, sku: str, parts: Mapping[str, int]) -> None:
    """Remember what a bundle is put together from; without parts it is none any more."""
    await session.execute(delete(bundles).where(bundles.c.bundle_sku == sku))
    if parts:
        rows = [{"bundle_sku": sku, "part_sku": part, "quantity": quantity} for part, quantity in parts.items()]
        await session.execute(insert(bundles), rows)


async def may_be_bundle(session: AsyncSession, sku: str, parts: Sequence[str]) -> bool:
    """Tell whether a SKU has no stock of its own and is no part, and none of these parts is a bundle."""
    obstacles: tuple[ColumnElement[bool], ...] = (
        exists().where(stock_levels.c.sku == sku),
        exists().where(bundles.c.part_sku == sku),
        exists().where(among(bundles.c.bundle_sku, parts)),
    )
    return not any((await session.execute(select(*obstacles))).one())
