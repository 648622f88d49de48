"""Statements over orders, their lines and their timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, CTE, RowMapping, Select, Text, bindparam, func, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import PostalAddress
from kernel.money import Money
from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.orders.domain.order import EVERY_ORDER, EntryKind, Order, OrderFilter, OrderLine, TimelineEntry
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.tax import Taxed
from subgraphs.orders.storage.tables import order_lines, order_timeline, orders

NEWEST_FIRST = (
    SortKey("placedAt", orders.c.placed_at, datetime, descending=True),
    SortKey("id", orders.c.id, str, descending=True),
)
"""The order of every list of orders."""


def insertion(order: Order) -> Any:
    """Say how to insert an order; the database gives it its number."""
    row = {
        "id": order.id,
        "cart_id": order.cart_id,
        "checkout_id": order.checkout_id,
        "customer_id": order.customer_id,
        "email": order.email,
        "currency": order.currency,
        "status": order.status,
        "subtotal_net_minor": order.subtotal.net.minor,
        "subtotal_tax_minor": order.subtotal.tax.minor,
        "shipping_net_minor": order.shipping.net.minor,
        "shipping_tax_minor": order.shipping.tax.minor,
        "total_minor": order.total.gross.minor,
        "shipping_method_id": order.shipping_method_id,
        "shipping_method_name": order.shipping_method_name,
        "address": asdict(order.address),
        "placed_at": order.placed_at,
        "confirmed_at": order.confirmed_at,
        "version": order.version,
        "voucher_code": order.voucher_code,
        "discount_minor": order.discount.minor,
        "replaces": order.replaces,
    }
    return insert(orders).values(row).returning(orders.c.number)


def lines_insertion(lines: Sequence[OrderLine]) -> CTE:
    """Say how to insert lines, as a part of a larger statement."""
    return insert(order_lines).values([line_row(line) for line in lines]).cte("lines_added")


def line_row(line: OrderLine) -> dict[str, Any]:
    """Spell a line as a row."""
    return {
        "id": line.id,
        "order_id": line.order_id,
        "position": line.position,
        "sku": line.sku,
        "variant_id": line.variant_id,
        "product_id": line.product_id,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price.minor,
        "net_minor": line.total.net.minor,
        "tax_minor": line.total.tax.minor,
        "discount_minor": line.discount.minor,
    }


async def place_alone(session: AsyncSession, order: Order, lines: Sequence[OrderLine], entry: TimelineEntry) -> str:
    """Store an order that comes from no checkout, in one statement; give the number that it was given."""
    placed = insertion(order).cte("placed")
    statement = select(placed.c.number).add_cte(lines_insertion(lines), entry_insertion(entry))
    return str((await session.execute(statement)).scalar_one())


def entry_insertion(entry: TimelineEntry) -> CTE:
    """Say how to add to the timeline, as a part of a larger statement."""
    return insert(order_timeline).values(asdict(entry)).cte("told")


def status_change(order: Order, status: OrderStatus, **changes: Any) -> CTE:
    """Say how to change a locked order's state, as a part of a larger statement."""
    statement = update(orders).where(orders.c.id == order.id)
    return statement.values(status=status, version=orders.c.version + 1, **changes).cte("changed")


async def change_status(
    session: AsyncSession, order: Order, status: OrderStatus, entry: TimelineEntry, **changes: Any
) -> None:
    """Change a locked order and tell so in the timeline, in one statement."""
    statement = insert(order_timeline).values(asdict(entry))
    await session.execute(statement.add_cte(status_change(order, status, **changes)))


async def tell(session: AsyncSession, entry: TimelineEntry) -> None:
    """Add to the timeline."""
    await session.execute(insert(order_timeline).values(asdict(entry)))


async def by_id(session: AsyncSession, order_id: str, *, lock: bool = False) -> Order | None:
    """Read an order, locked until the transaction ends if asked for."""
    statement = select(orders).where(orders.c.id == order_id)
    row = (await session.execute(statement.with_for_update() if lock else statement)).mappings().first()
    return None if row is None else _order(row)


async def by_ids(session: AsyncSession, ids: Sequence[str]) -> dict[str, Order]:
    """Read many orders by their ids."""
    rows = await session.execute(select(orders).where(orders.c.id.in_(ids)))
    return {row["id"]: _order(row) for row in rows.mappings()}


async def by_numbers(session: AsyncSession, numbers: Sequence[str]) -> dict[str, Order]:
    """Read many orders by their numbers."""
    rows = await session.execute(select(orders).where(orders.c.number.in_(numbers)))
    return {row["number"]: _order(row) for row in rows.mappings()}


async def locked_with_lines(session: AsyncSession, order_id: str) -> tuple[Order, tuple[OrderLine, ...]]:
    """Lock an order and read it with its lines, in one statement."""
    columns = [order_lines.c[name].label(f"line_{name}") for name in order_lines.c.keys()]  # noqa: SIM118 # no dict
    statement = (
        select(orders, *columns)
        .join(order_lines)
        .where(orders.c.id == order_id)
        .order_by(order_lines.c.position)
        .with_for_update(of=orders)
    )
    rows = (await session.execute(statement)).mappings().all()
    currency = rows[0]["currency"]
    return _order(rows[0]), tuple(read_line(row, currency, "line_") for row in rows)


async def exchanged_for(session: AsyncSession, order: Order) -> list[str]:
    """Name an order and, the latest first, those that it was exchanged for: their payments have paid for it, too."""
    ids, replaced = [order.id], order.replaces
    while replaced is not None:
        ids.append(replaced)
        replaced = (await session.execute(select(orders.c.replaces).where(orders.c.id == replaced))).scalar()
    return ids


async def lines_of(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, list[OrderLine]]:
    """Read the lines of many orders."""
    statement = (
        select(order_lines, orders.c.currency)
        .join(orders)
        .where(order_lines.c.order_id.in_(order_ids))
        .order_by(order_lines.c.order_id, order_lines.c.position)
    )
    found: dict[str, list[OrderLine]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["order_id"], []).append(read_line(row, row["currency"]))
    return found


async def timeline_of(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, list[TimelineEntry]]:
    """Read the timelines of many orders, the oldest entry first."""
    table = order_timeline.c
    statement = select(order_timeline).where(table.order_id.in_(order_ids)).order_by(table.at, table.id)
    found: dict[str, list[TimelineEntry]] = {}
    for row in (await session.execute(statement)).mappings():
        found.setdefault(row["order_id"], []).append(_entry(row))
    return found


async def page_of(session: AsyncSession, page: Page, where: OrderFilter = EVERY_ORDER) -> Slice[Order]:
    """Read a page of all orders, the newest first."""
    statement = apply_page(_filtered(select(orders), where), page, NEWEST_FIRST)
    return _slice([_order(row) for row in (await session.execute(statement)).mappings()], page)


async def pages_of_customers(
    session: AsyncSession, customer_ids: Sequence[str], page: Page, where: OrderFilter = EVERY_ORDER
) -> dict[str, Slice[Order]]:
    """Read the same page of the orders of many customers, in one statement."""
    wanted = select(func.unnest(bindparam("ids", list(customer_ids), ARRAY(Text))).label("customer_id")).subquery()
    of_one = _filtered(select(orders), where).where(orders.c.customer_id == wanted.c.customer_id)
    paged = apply_page(of_one, page, NEWEST_FIRST).lateral()
    found: dict[str, list[Order]] = {customer_id: [] for customer_id in customer_ids}
    for row in (await session.execute(select(paged).select_from(wanted.join(paged, true())))).mappings():
        found[row["customer_id"]].append(_order(row))
    return {customer_id: _slice(rows, page) for customer_id, rows in found.items()}


async def count(session: AsyncSession, where: OrderFilter = EVERY_ORDER) -> int:
    """Count all orders."""
    return (await session.execute(_filtered(select(func.count()).select_from(orders), where))).scalar_one()


async def counts_of_customers(
    session: AsyncSession, customer_ids: Sequence[str], where: OrderFilter = EVERY_ORDER
) -> dict[str, int]:
    """Count the orders of many customers."""
    statement = _filtered(select(orders.c.customer_id, func.count().label("orders")), where)
    grouped = statement.where(orders.c.customer_id.in_(customer_ids)).group_by(orders.c.customer_id)
    return {str(row["customer_id"]): row["orders"] for row in (await session.execute(grouped)).mappings()}


def _filtered(statement: Select[*tuple[Any, ...]], where: OrderFilter) -> Select[*tuple[Any, ...]]:
    if where.statuses:
        statement = statement.where(orders.c.status.in_(where.statuses))
    if where.placed_from is not None:
        statement = statement.where(orders.c.placed_at >= where.placed_from)
    if where.placed_until is not None:
        statement = statement.where(orders.c.placed_at < where.placed_until)
    if where.number is not None:
        statement = statement.where(orders.c.number == where.number)
    if where.email is not None:
        statement = statement.where(func.lower(orders.c.email) == where.email.strip().lower())
    if where.sku is not None:
        of_sku = select(order_lines.c.id).where(order_lines.c.order_id == orders.c.id, order_lines.c.sku == where.sku)
        statement = statement.where(of_sku.exists())
    return statement


def _slice(rows: list[Order], page: Page) -> Slice[Order]:
    """Make a page; a lateral join does not promise the order of its rows."""
    rows.sort(key=lambda order: (order.placed_at, order.id), reverse=not page.backwards)
    return slice_rows(rows, page, NEWEST_FIRST, lambda order: (order.placed_at, order.id))


def _order(row: RowMapping) -> Order:
    currency = row["currency"]
    return Order(
        id=row["id"],
        number=row["number"],
        cart_id=row["cart_id"],
        checkout_id=row["checkout_id"],
        customer_id=row["customer_id"],
        email=row["email"],
        currency=currency,
        status=OrderStatus(row["status"]),
        subtotal=_taxed(row["subtotal_net_minor"], row["subtotal_tax_minor"], currency),
        shipping=_taxed(row["shipping_net_minor"], row["shipping_tax_minor"], currency),
        shipping_method_id=row["shipping_method_id"],
        shipping_method_name=row["shipping_method_name"],
        address=PostalAddress(**row["address"]),
        placed_at=row["placed_at"],
        confirmed_at=row["confirmed_at"],
        refunded=Money(row["refunded_minor"], currency),
        version=row["version"],
        discount=Money(row["discount_minor"], currency),
        voucher_code=row["voucher_code"],
        charged=Money(row["charged_minor"], currency),
        revision=row["revision"],
        replaces=row["replaces"],
    )


def read_line(row: Mapping[Any, Any], currency: str, prefix: str = "") -> OrderLine:
    """Read a line from a row, or from what `line_row` spelled."""
    return OrderLine(
        id=row[f"{prefix}id"],
        order_id=row[f"{prefix}order_id"],
        position=row[f"{prefix}position"],
        sku=row[f"{prefix}sku"],
        variant_id=row[f"{prefix}variant_id"],
        product_id=row[f"{prefix}product_id"],
        name=row[f"{prefix}name"],
        quantity=row[f"{prefix}quantity"],
        unit_price=Money(row[f"{prefix}unit_price_minor"], currency),
        total=_taxed(row[f"{prefix}net_minor"], row[f"{prefix}tax_minor"], currency),
        discount=Money(row[f"{prefix}discount_minor"], currency),
    )


def _taxed(net: int, tax: int, currency: str) -> Taxed:
    return Taxed(Money(net, currency), Money(tax, currency))


def _entry(row: RowMapping) -> TimelineEntry:
    return TimelineEntry(
        id=row["id"],
        order_id=row["order_id"],
        kind=EntryKind(row["kind"]),
        message=row["message"],
        at=row["at"],
        actor=row["actor"],
        from_status=OrderStatus(row["from_status"]) if row["from_status"] else None,
        to_status=OrderStatus(row["to_status"]) if row["to_status"] else None,
    )
