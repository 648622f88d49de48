"""Writes what happened as facts, each under its own id, so that telling it again changes nothing."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, TextClause, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import CheckoutStarted, OrderConfirmed, PaymentRefunded, ProductsSearched, ProductViewed
from subgraphs.recommendations.storage.fact_tables import (
    checkouts_started,
    product_views,
    refunds,
    sales,
    searches,
    sold_lines,
)

_FORGET: Final = (
    text("""
        DELETE FROM product_views WHERE event_id IN (
            SELECT event_id FROM product_views WHERE viewed_at < :before LIMIT 5000) RETURNING 1"""),
    text("""
        DELETE FROM searches WHERE event_id IN (
            SELECT event_id FROM searches WHERE searched_at < :before LIMIT 5000) RETURNING 1"""),
)


async def add_sale(session: AsyncSession, order: OrderConfirmed) -> None:
    """Note a confirmed order and its lines."""
    lines: dict[str, dict[str, Any]] = defaultdict(lambda: {"quantity": 0, "revenue_minor": 0})
    for line in order.lines:
        sold = lines[line.sku]
        sold["product_id"] = line.product_id
        sold["quantity"] += line.quantity
        sold["revenue_minor"] += line.quantity * line.unit_price_minor
    sale = {
        "order_id": order.order_id,
        "buyer": order.customer_id or None,
        "currency": order.currency,
        "total_minor": order.total_minor,
        "units": sum(line.quantity for line in order.lines),
        "confirmed_at": datetime.fromisoformat(order.confirmed_at),
    }
    await _add(session, sales, [sale])
    await _add(session, sold_lines, [{"order_id": order.order_id, "sku": sku, **sold} for sku, sold in lines.items()])


async def cancel_sale(session: AsyncSession, order_id: str, at: datetime) -> None:
    """Note that a confirmed order was cancelled; one that was never paid was never a sale."""
    await session.execute(update(sales).where(sales.c.order_id == order_id).values(cancelled_at=at))


async def add_refund(session: AsyncSession, refund: PaymentRefunded, at: datetime) -> None:
    """Note money that went back."""
    fact = {
        "refund_id": refund.refund_id,
        "order_id": refund.order_id,
        "currency": refund.currency,
        "amount_minor": refund.amount_minor,
        "refunded_at": at,
    }
    await _add(session, refunds, [fact])


async def add_checkout(session: AsyncSession, started: CheckoutStarted) -> None:
    """Note that a checkout was started."""
    at = datetime.fromisoformat(started.started_at)
    fact = {"checkout_id": started.checkout_id, "currency": started.currency, "started_at": at}
    await _add(session, checkouts_started, [fact])


async def add_view(session: AsyncSession, event_id: str, viewed: ProductViewed) -> None:
    """Note that a product was looked at, by somebody who has not been erased since."""
    visitor = viewed.customer_id or viewed.session
    if visitor:
        fact = {
            "event_id": event_id,
            "product_id": viewed.product_id,
            "visitor": visitor,
            "searched": viewed.searched,
            "viewed_at": datetime.fromisoformat(viewed.viewed_at),
        }
        await _add(session, product_views, [fact])


async def add_searches(session: AsyncSession, event_id: str, searched: ProductsSearched) -> None:
    """Note what was searched for."""
    facts = [
        {
            "event_id": event_id,
            "place": place,
            "words": each.words,
            "found": each.found,
            "searched_at": datetime.fromisoformat(each.searched_at),
        }
        for place, each in enumerate(searched.searches)
    ]
    if facts:
        await _add(session, searches, facts)


async def forget(session: AsyncSession, before: datetime) -> int:
    """Delete a portion of the views and searches of before an instant; tell how many."""
    return sum([await _count(session, statement, before) for statement in _FORGET])


async def _count(session: AsyncSession, statement: TextClause, before: datetime) -> int:
    return len((await session.execute(statement, {"before": before})).all())


async def _add(session: AsyncSession, table: Table, facts: list[dict[str, Any]]) -> None:
    await session.execute(insert(table).values(facts).on_conflict_do_nothing())
