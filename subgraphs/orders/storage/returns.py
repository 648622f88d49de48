"""Statements over returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Money
from subgraphs.orders.domain.returns import ItemState, Return, ReturnLine, ReturnStatus
from subgraphs.orders.storage.tables import orders, return_lines, returns


async def add(session: AsyncSession, returned: Return) -> None:
    """Store a new return with its lines, in one statement."""
    head = insert(returns).values(
        id=returned.id,
        order_id=returned.order_id,
        status=returned.status,
        reason=returned.reason,
        credit_minor=returned.credit.minor if returned.credit else 0,
        replacement_id=returned.replacement_id,
        created_at=returned.created_at,
        updated_at=returned.created_at,
    )
    rows = [
        {"return_id": returned.id, "line_id": line.line_id, "quantity": line.quantity, "state": line.state}
        for line in returned.lines
    ]
    parts = (head.cte("returned"), insert(return_lines).values(rows).cte("lines"))
    await session.execute(select(literal(1)).add_cte(*parts))


async def change(session: AsyncSession, returned: Return, at: datetime) -> None:
    """Store a return, whose order is locked, as it is now."""
    changed = update(returns).where(returns.c.id == returned.id)
    values = {
        "status": returned.status,
        "answer": returned.answer,
        "refund_minor": returned.refund.minor,
        "tracking_number": returned.tracking_number,
        "label_url": returned.label_url,
        "updated_at": at,
    }
    await session.execute(changed.values(values))
    for line in returned.lines:
        of_line = (return_lines.c.return_id == returned.id) & (return_lines.c.line_id == line.line_id)
        await session.execute(update(return_lines).where(of_line).values(state=line.state))


async def by_id(session: AsyncSession, return_id: str) -> Return | None:
    """Read a return."""
    found = await _read(session, returns.c.id == return_id)
    return found[0] if found else None


async def of_orders(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, list[Return]]:
    """Read the returns of many orders, the oldest of each first."""
    found: dict[str, list[Return]] = {}
    for each in await _read(session, returns.c.order_id.in_(order_ids)):
        found.setdefault(each.order_id, []).append(each)
    return found


async def _read(session: AsyncSession, condition: ColumnElement[bool]) -> list[Return]:
    statement = (
        select(returns, orders.c.currency, return_lines.c.line_id, return_lines.c.quantity, return_lines.c.state)
        .join(orders, orders.c.id == returns.c.order_id)
        .join(return_lines)
        .where(condition)
        .order_by(returns.c.created_at, returns.c.id, return_lines.c.line_id)
    )
    by_return: dict[str, list[RowMapping]] = {}
    for row in (await session.execute(statement)).mappings():
        by_return.setdefault(row["id"], []).append(row)
    return [_return(rows) for rows in by_return.values()]


def _return(rows: Sequence[RowMapping]) -> Return:
    head = rows[0]
    return Return(
        id=head["id"],
        order_id=head["order_id"],
        status=ReturnStatus(head["status"]),
        reason=head["reason"],
        answer=head["answer"],
        refund=Money(head["refund_minor"], head["currency"]),
        tracking_number=head["tracking_number"],
        label_url=head["label_url"],
        credit=Money(head["credit_minor"], head["currency"]) if head["replacement_id"] else None,
        replacement_id=head["replacement_id"],
        created_at=head["created_at"],
        lines=tuple(
            ReturnLine(line_id=row["line_id"], quantity=row["quantity"], state=ItemState(row["state"])) for row in rows
        ),
    )
