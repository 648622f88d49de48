"""Statements over carts. Every change of lines raises the cart's version in the same statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    RowMapping,
    Select,
    Text,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import constraint_name
from kernel.money import Money
from subgraphs.orders.domain.cart import MAX_QUANTITY, Cart, CartLine
from subgraphs.orders.domain.errors import QuantityError
from subgraphs.orders.storage.tables import cart_lines, carts

_COLUMNS: Final[tuple[ColumnElement[Any], ...]] = (
    carts.c.id,
    carts.c.currency,
    carts.c.customer_id,
    carts.c.version,
    carts.c.ordered,
    carts.c.created_at,
    carts.c.updated_at,
    cart_lines.c.sku,
    cart_lines.c.variant_id,
    cart_lines.c.product_id,
    cart_lines.c.name,
    cart_lines.c.unit_price_minor,
    cart_lines.c.weight_grams,
    cart_lines.c.quantity,
    cart_lines.c.saved,
    carts.c.merged_into,
    carts.c.voucher_code,
)


async def add(session: AsyncSession, cart: Cart) -> None:
    """Store a new cart without lines."""
    row = {
        "id": cart.id,
        "currency": cart.currency,
        "customer_id": cart.customer_id,
        "version": cart.version,
        "ordered": cart.ordered,
        "created_at": cart.created_at,
        "updated_at": cart.updated_at,
    }
    await session.execute(insert(carts).values(row))


async def by_id(session: AsyncSession, cart_id: str) -> Cart | None:
    """Read a cart with its lines in one statement."""
    found = await _read(session, _with_lines().where(carts.c.id == cart_id))
    return found[0] if found else None


async def by_ids(session: AsyncSession, ids: Sequence[str]) -> dict[str, Cart]:
    """Read many carts with their lines."""
    return {cart.id: cart for cart in await _read(session, _with_lines().where(carts.c.id.in_(ids)))}


async def of_customers(session: AsyncSession, customer_ids: Sequence[str]) -> dict[str, Cart]:
    """Read the cart that each of many customers used last and has not ordered."""
    wanted = select(func.unnest(bindparam("ids", list(customer_ids), ARRAY(Text))).label("customer_id")).subquery()
    open_carts = select(carts.c.id).where(carts.c.customer_id == wanted.c.customer_id, ~carts.c.ordered)
    last = open_carts.order_by(carts.c.updated_at.desc()).limit(1).lateral()
    latest = select(last.c.id).select_from(wanted.join(last, true()))
    found = await _read(session, _with_lines().where(carts.c.id.in_(latest)))
    return {str(cart.customer_id): cart for cart in found}


async def put_lines(session: AsyncSession, cart_id: str, lines: Iterable[CartLine], at: datetime) -> bool:
    """Add pieces to a cart and bring the price of each line up to date; False when the cart is closed.

    Raises:
        QuantityError: a line would hold more than it may.
    """
    rows = [_line_row(cart_id, line, at) for line in lines]
    added = upsert(cart_lines).values(rows)
    fresh = ("name", "unit_price_minor", "weight_grams", "variant_id", "product_id")
    changes: dict[str, Any] = {name: added.excluded[name] for name in fresh}
    kept = case((cart_lines.c.saved, 0), else_=cart_lines.c.quantity)
    changes |= {"quantity": kept + added.excluded.quantity, "saved": False}
    put = added.on_conflict_do_update(index_elements=["cart_id", "sku"], set_=changes)
    try:
        return await _change(session, cart_id, at, put.cte("put"))
    except IntegrityError as error:
        if constraint_name(error) != "cart_lines_quantity":
            raise
        raise QuantityError(f"A cart holds {MAX_QUANTITY} pieces of an article at most.", path=("lines",)) from error


async def set_quantity(session: AsyncSession, cart_id: str, sku: str, quantity: int, at: datetime) -> bool:
    """Set how many pieces a line holds; False when the cart is closed."""
    line = update(cart_lines).where(cart_lines.c.cart_id == cart_id, cart_lines.c.sku == sku)
    return await _change(session, cart_id, at, line.values(quantity=quantity).cte("line"))


async def remove_line(session: AsyncSession, cart_id: str, sku: str, at: datetime) -> bool:
    """Take a line out; False when the cart is closed."""
    line = delete(cart_lines).where(cart_lines.c.cart_id == cart_id, cart_lines.c.sku == sku)
    return await _change(session, cart_id, at, line.cte("line"))


async def set_saved(session: AsyncSession, cart_id: str, sku: str, *, saved: bool, at: datetime) -> bool:
    """Put a line aside for later, or take it up again; False when the cart is closed."""
    line = update(cart_lines).where(cart_lines.c.cart_id == cart_id, cart_lines.c.sku == sku)
    return await _change(session, cart_id, at, line.values(saved=saved).cte("line"))


async def set_voucher(session: AsyncSession, cart_id: str, code: str, at: datetime) -> bool:
    """Keep the code of a voucher, or nothing for none; False when the cart is closed."""
    changed = update(carts).where(carts.c.id == cart_id, ~carts.c.ordered).returning(carts.c.id)
    values = {"voucher_code": code, "version": carts.c.version + 1, "updated_at": at, "abandoned_at": None}
    return (await session.execute(changed.values(values))).first() is not None


async def lock(session: AsyncSession, ids: Sequence[str]) -> dict[str, Cart]:
    """Lock carts, always in the same order, and read them."""
    locked = select(carts.c.id).where(carts.c.id.in_(ids)).order_by(carts.c.id).with_for_update()
    await session.execute(locked)
    return await by_ids(session, ids)


async def raise_lines(session: AsyncSession, cart_id: str, lines: Iterable[CartLine], at: datetime) -> None:
    """Give a locked cart at least these pieces of these lines."""
    added = upsert(cart_lines).values([_line_row(cart_id, line, at) for line in lines])
    put = added.on_conflict_do_update(
        index_elements=["cart_id", "sku"], set_={"quantity": added.excluded.quantity, "saved": False}
    )
    await _change(session, cart_id, at, put.cte("put"))


async def close_merged(session: AsyncSession, cart_id: str, into: str, at: datetime) -> None:
    """Close a locked cart whose place another has taken."""
    closed = update(carts).where(carts.c.id == cart_id)
    await session.execute(closed.values(ordered=True, merged_into=into, updated_at=at))


async def attach(session: AsyncSession, cart_id: str, customer_id: str) -> None:
    """Give a guest's cart to a customer."""
    guests = update(carts).where(carts.c.id == cart_id, carts.c.customer_id.is_(None))
    await session.execute(guests.values(customer_id=customer_id))


def closing(cart_id: str, version: int) -> CTE:
    """Say how to close a cart that is still at this version, as a part of a larger statement."""
    unchanged = (carts.c.id == cart_id) & (carts.c.version == version)
    return update(carts).where(unchanged).values(ordered=True).returning(carts.c.id).cte("cart_closed")


def reopening(cart_id: str) -> CTE:
    """Say how to open a cart again, as a part of a larger statement."""
    return update(carts).where(carts.c.id == cart_id).values(ordered=False).cte("cart_reopened")


async def _change(session: AsyncSession, cart_id: str, at: datetime, change: CTE) -> bool:
    touched = (
        update(carts)
        .where(carts.c.id == cart_id, ~carts.c.ordered)
        .values(version=carts.c.version + 1, updated_at=at, abandoned_at=None)
        .returning(carts.c.id)
        .cte("touched")
    )
    return (await session.execute(select(touched.c.id).add_cte(change))).first() is not None


def _with_lines() -> Select[*tuple[Any, ...]]:
    joined = carts.outerjoin(cart_lines, cart_lines.c.cart_id == carts.c.id)
    return select(*_COLUMNS).select_from(joined).order_by(carts.c.id, cart_lines.c.added_at, cart_lines.c.sku)


async def _read(session: AsyncSession, statement: Select[*tuple[Any, ...]]) -> list[Cart]:
    by_cart: dict[str, list[RowMapping]] = {}
    for row in (await session.execute(statement)).mappings():
        by_cart.setdefault(row["id"], []).append(row)
    return [_cart(rows) for rows in by_cart.values()]


def _cart(rows: Sequence[RowMapping]) -> Cart:
    head = rows[0]
    return Cart(
        id=head["id"],
        currency=head["currency"],
        customer_id=head["customer_id"],
        version=head["version"],
        ordered=head["ordered"],
        lines=tuple(_line(row) for row in rows if row["sku"] is not None and not row["saved"]),
        saved=tuple(_line(row) for row in rows if row["saved"]),
        merged_into=head["merged_into"],
        voucher_code=head["voucher_code"],
        created_at=head["created_at"],
        updated_at=head["updated_at"],
    )


def _line(row: RowMapping) -> CartLine:
    return CartLine(
        sku=row["sku"],
        variant_id=row["variant_id"],
        product_id=row["product_id"],
        name=row["name"],
        unit_price=Money(row["unit_price_minor"], row["currency"]),
        weight_grams=row["weight_grams"],
        quantity=row["quantity"],
    )


def _line_row(cart_id: str, line: CartLine, at: datetime) -> dict[str, Any]:
    return {
        "cart_id": cart_id,
        "sku": line.sku,
        "variant_id": line.variant_id,
        "product_id": line.product_id,
        "name": line.name,
        "unit_price_minor": line.unit_price.minor,
        "weight_grams": line.weight_grams,
        "quantity": line.quantity,
        "added_at": at,
    }
