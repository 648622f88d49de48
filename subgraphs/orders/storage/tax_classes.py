"""Statements over the classes of articles that are taxed otherwise than most."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.orders.domain.tax import TaxClass
from subgraphs.orders.storage.tables import tax_classes


async def every(session: AsyncSession) -> dict[str, TaxClass]:
    """Read all articles that are not of the standard class."""
    return {row.sku: TaxClass(row.tax_class) for row in await session.execute(select(tax_classes))}


async def put(session: AsyncSession, skus: Sequence[str], tax_class: TaxClass) -> None:
    """Put articles into a class."""
    if tax_class is TaxClass.STANDARD:
        await session.execute(delete(tax_classes).where(tax_classes.c.sku.in_(skus)))
        return
    put_ = upsert(tax_classes).values([{"sku": sku, "tax_class": tax_class} for sku in dict.fromkeys(skus)])
    await session.execute(
        put_.on_conflict_do_update(index_elements=["sku"], set_={"tax_class": put_.excluded.tax_class})
    )
