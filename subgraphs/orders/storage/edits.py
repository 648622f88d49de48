"""Statements that change what is in an order, and how its lines are spelled in a saga until then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CTE, delete, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.orders.domain.order import Order, OrderLine
from subgraphs.orders.storage.orders import line_row, read_line
from subgraphs.orders.storage.tables import order_lines, orders


def spell(order: Order, lines: Sequence[OrderLine]) -> dict[str, Any]:
    """Write an order's changed lines down as JSON."""
    return {"currency": order.currency, "lines": [line_row(line) for line in lines]}


def read(spelled: Mapping[str, Any]) -> tuple[OrderLine, ...]:
    """Read such lines."""
    return tuple(read_line(row, spelled["currency"]) for row in spelled["lines"])


async def put_lines(session: AsyncSession, order_id: str, lines: Sequence[OrderLine]) -> None:
    """Let a locked order have just these lines."""
    gone = delete(order_lines).where(
        order_lines.c.order_id == order_id, order_lines.c.id.not_in([one.id for one in lines])
    )
    await session.execute(gone)
    put = upsert(order_lines).values([line_row(line) for line in lines])
    fresh = {name: put.excluded[name] for name in ("quantity", "net_minor", "tax_minor", "discount_minor")}
    await session.execute(put.on_conflict_do_update(index_elements=["id"], set_=fresh))


def totals_change(order: Order) -> CTE:
    """Say how to store a locked order's new totals, as a part of a larger statement."""
    values = {
        "subtotal_net_minor": order.subtotal.net.minor,
        "subtotal_tax_minor": order.subtotal.tax.minor,
        "total_minor": order.total.gross.minor,
        "discount_minor": order.discount.minor,
        "revision": order.revision,
        "version": orders.c.version + 1,
    }
    return update(orders).where(orders.c.id == order.id).values(values).cte("changed")
