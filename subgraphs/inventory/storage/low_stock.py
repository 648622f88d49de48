"""Which levels were told to be low: told once, and again only after they had clearly recovered (hysteresis).

A level is low from its reorder point down. It has recovered when it is above it by a fifth, and by two at least, so
that sales and returns around the reorder point do not tell the same thing all day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import DateTime, Text, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.stock import Level
from subgraphs.inventory.storage.arrays import ArrayRows
from subgraphs.inventory.storage.planning_tables import low_stock

_MARGIN: Final = 0.2
_LEAST_MARGIN: Final = 2

_LEVELS: Final = ArrayRows("level", sku=Text, warehouse_id=Text)
_TELL: Final = (
    upsert(low_stock)
    .from_select(
        ["since", "sku", "warehouse_id"], select(bindparam("at", type_=DateTime(timezone=True)), *_LEVELS.table.c)
    )
    .on_conflict_do_nothing()
    .returning(low_stock.c.sku, low_stock.c.warehouse_id)
)
_FORGET: Final = delete(low_stock).where(
    low_stock.c.sku == _LEVELS.table.c.sku, low_stock.c.warehouse_id == _LEVELS.table.c.warehouse_id
)


def recovered(level: Level) -> bool:
    """Whether a level is far enough above its reorder point to be low anew."""
    return level.available >= level.reorder_point + max(_LEAST_MARGIN, level.reorder_point * _MARGIN)


async def newly_low(session: AsyncSession, levels: Iterable[tuple[Level, Level]], at: datetime) -> list[Level]:
    """Note which of these locked levels, each as it was and as it is, are low now and were not told to be.

    Nothing is sent to the database while all of them stay on their side.
    """
    changed = list(levels)
    low = {(after.sku, after.warehouse_id): after for before, after in changed if after.low and not before.low}
    well = [after for before, after in changed if recovered(after) and not recovered(before)]
    if well:
        await session.execute(_FORGET, _LEVELS.parameters(well))
    if not low:
        return []
    told = await session.execute(_TELL, {"at": at, **_LEVELS.parameters(low.values())})
    return [low[row.sku, row.warehouse_id] for row in told]
