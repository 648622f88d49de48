"""Who waits for a SKU to come back. Each waits once and is told once, however often stock comes and goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.storage.planning_tables import stock_watches
from subgraphs.inventory.storage.tables import skus

_NAME: Final = select(skus.c.name).where(skus.c.sku == stock_watches.c.sku).scalar_subquery()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Somebody who wants to hear when a SKU can be bought again."""

    id: str
    sku: str
    email: str
    user_id: str | None
    name: str = ""
    """What the SKU is called."""


async def add(session: AsyncSession, watch: Watch) -> Watch:
    """Remember who waits; who waits for this SKU already keeps the first place."""
    statement = upsert(stock_watches).values(id=watch.id, sku=watch.sku, email=watch.email, user_id=watch.user_id)
    await session.execute(statement.on_conflict_do_nothing())
    waiting = stock_watches.c
    row = (
        await session.execute(
            select(waiting.id, waiting.sku, waiting.email, waiting.user_id).where(
                waiting.sku == watch.sku, waiting.email == watch.email, waiting.told_at.is_(None)
            )
        )
    ).one()
    return Watch(**row._asdict())


async def count(session: AsyncSession, email: str) -> int:
    """Tell for how many SKUs an address waits."""
    waiting = stock_watches.c
    counted = select(func.count()).where(waiting.email == email, waiting.told_at.is_(None))
    return (await session.execute(counted)).scalar_one()


async def remove(session: AsyncSession, watch_id: str) -> bool:
    """Forget who waits; tell whether anybody did under this id."""
    gone = delete(stock_watches).where(stock_watches.c.id == watch_id).returning(stock_watches.c.id)
    return (await session.execute(gone)).one_or_none() is not None


async def claim(session: AsyncSession, sku: str, at: datetime) -> list[Watch]:
    """Take all who wait for a SKU, so that nobody else tells them."""
    rows = await session.execute(
        update(stock_watches)
        .where(stock_watches.c.sku == sku, stock_watches.c.told_at.is_(None))
        .values(told_at=at)
        .returning(
            stock_watches.c.id,
            stock_watches.c.sku,
            stock_watches.c.email,
            stock_watches.c.user_id,
            func.coalesce(_NAME, "").label("name"),
        )
    )
    return [Watch(**row._asdict()) for row in rows]
