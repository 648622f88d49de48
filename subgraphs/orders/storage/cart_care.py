"""Statements over carts that nobody touches; several processes may run them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.orders.domain.cart import Cart
from subgraphs.orders.domain.status import CheckoutStatus
from subgraphs.orders.storage import carts as cart_store
from subgraphs.orders.storage.tables import cart_lines, carts, checkouts

_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class AbandonedCart:
    """A cart that was left alone, and where its owner can be reached."""

    cart: Cart
    email: str


async def take_abandoned(session: AsyncSession, untouched_since: datetime, at: datetime) -> Sequence[AbandonedCart]:
    """Mark and give carts that hold something, whose owner has left an address, and that were left alone."""
    holds_something = select(cart_lines.c.sku).where(cart_lines.c.cart_id == carts.c.id, ~cart_lines.c.saved).exists()
    left = (
        select(carts.c.id, checkouts.c.email)
        .join(checkouts, checkouts.c.cart_id == carts.c.id)
        .where(
            ~carts.c.ordered,
            carts.c.abandoned_at.is_(None),
            carts.c.updated_at < untouched_since,
            checkouts.c.status == CheckoutStatus.OPEN,
            checkouts.c.email != "",
            checkouts.c.updated_at < untouched_since,
            holds_something,
        )
        .order_by(carts.c.updated_at)
        .limit(_BATCH)
        .with_for_update(of=carts, skip_locked=True)
    )
    emails: dict[str, str] = {row.id: row.email for row in await session.execute(left)}
    if not emails:
        return ()
    await session.execute(update(carts).where(carts.c.id.in_(emails)).values(abandoned_at=at))
    found = await cart_store.by_ids(session, list(emails))
    return [AbandonedCart(cart, emails[cart.id]) for cart in found.values()]


async def delete_forgotten(session: AsyncSession, untouched_since: datetime) -> int:
    """Delete carts that nobody has touched since then and that became no order; how many."""
    ordered = select(checkouts.c.id).where(checkouts.c.cart_id == carts.c.id, checkouts.c.order_id.isnot(None)).exists()
    forgotten = (
        select(carts.c.id)
        .where(carts.c.updated_at < untouched_since, ~ordered)
        .where(~carts.c.ordered | carts.c.merged_into.isnot(None))
        .order_by(carts.c.updated_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    ids = (await session.execute(forgotten)).scalars().all()
    if ids:
        await session.execute(delete(checkouts).where(checkouts.c.cart_id.in_(ids)))
        await session.execute(delete(carts).where(carts.c.id.in_(ids)))
    return len(ids)
