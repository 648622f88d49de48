"""Statements over vouchers and their uses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, func, insert, select, update
from sqlalchemy import delete as deletion
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Money
from subgraphs.products.domain.pricing import FixedOff, PercentOff, Reward
from subgraphs.products.domain.vouchers import Voucher
from subgraphs.products.storage.tables import voucher_uses, vouchers


async def add(session: AsyncSession, voucher: Voucher) -> None:
    """Store a new voucher."""
    percent = voucher.reward.percent if isinstance(voucher.reward, PercentOff) else None
    amounts = voucher.reward.amounts if isinstance(voucher.reward, FixedOff) else ()
    row = {
        "code": voucher.code,
        "name": voucher.name,
        "percent": percent,
        "amounts": {amount.currency: amount.minor for amount in amounts},
        "starts_at": voucher.starts_at,
        "ends_at": voucher.ends_at,
        "minimum_minor": voucher.minimum.minor if voucher.minimum else None,
        "minimum_currency": voucher.minimum.currency if voucher.minimum else None,
        "usage_limit": voucher.usage_limit,
        "buyer_limit": voucher.buyer_limit,
    }
    await session.execute(insert(vouchers).values(row))


async def end(session: AsyncSession, code: str, at: datetime) -> Voucher | None:
    """Let a voucher count no longer; one that has ended stays as it is."""
    running = (vouchers.c.ends_at.is_(None)) | (vouchers.c.ends_at > at)
    await session.execute(update(vouchers).where(vouchers.c.code == code, running).values(ends_at=at))
    found = await with_uses(session, code, "")
    return found[0] if found else None


async def with_uses(
    session: AsyncSession, code: str, buyer: str, *, lock: bool = False
) -> tuple[Voucher, int, int] | None:
    """Read a voucher, how often it was used, and how often by this buyer; locked, so that uses are counted one by one.

    The counts are read by a statement that begins after the lock was had, so that they hold all that was counted.
    """
    statement: Select[Any] = select(vouchers).where(vouchers.c.code == code)
    row = (await session.execute(statement.with_for_update() if lock else statement)).mappings().first()
    if row is None:
        return None
    counts = select(func.count(), func.count().filter(voucher_uses.c.buyer == buyer))
    uses, of_buyer = (await session.execute(counts.where(voucher_uses.c.code == code))).one()
    return _voucher(row), uses, of_buyer


async def is_used_for(session: AsyncSession, order_id: str) -> bool:
    """Tell whether an order has used a voucher."""
    return (
        await session.execute(select(voucher_uses.c.code).where(voucher_uses.c.order_id == order_id))
    ).first() is not None


async def use(session: AsyncSession, code: str, order_id: str, buyer: str, at: datetime) -> None:
    """Count a use."""
    await session.execute(insert(voucher_uses).values(order_id=order_id, code=code, buyer=buyer, used_at=at))


async def give_back(session: AsyncSession, order_id: str) -> None:
    """Uncount the use of an order, if there was one."""
    await session.execute(deletion(voucher_uses).where(voucher_uses.c.order_id == order_id))


def _voucher(row: RowMapping) -> Voucher:
    minimum = None if row["minimum_minor"] is None else Money(row["minimum_minor"], row["minimum_currency"])
    return Voucher(
        code=row["code"],
        name=row["name"],
        reward=_reward(row),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        minimum=minimum,
        usage_limit=row["usage_limit"],
        buyer_limit=row["buyer_limit"],
    )


def _reward(row: RowMapping) -> Reward:
    if row["percent"] is not None:
        return PercentOff(row["percent"])
    return FixedOff(tuple(Money(minor, currency) for currency, minor in row["amounts"].items()))
