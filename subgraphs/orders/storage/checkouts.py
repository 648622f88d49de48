"""Statements over checkouts. A change names the version that it was made from and fails when that is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, RowMapping, Select, select, true, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import PostalAddress
from kernel.money import Money
from subgraphs.orders.domain.cart import CartLine
from subgraphs.orders.domain.checkout import Checkout, Reservation, ShippingChoice, Voucher
from subgraphs.orders.domain.errors import ClaimedError
from subgraphs.orders.domain.order import Order
from subgraphs.orders.domain.status import CheckoutStatus
from subgraphs.orders.storage.carts import closing
from subgraphs.orders.storage.orders import insertion
from subgraphs.orders.storage.tables import carts, checkouts


async def by_id(session: AsyncSession, checkout_id: str) -> Checkout | None:
    """Read a checkout, with the version that its cart has by now."""
    return await _one(session, _with_cart().where(checkouts.c.id == checkout_id))


async def by_ids(session: AsyncSession, ids: Sequence[str]) -> dict[str, Checkout]:
    """Read many checkouts."""
    rows = await session.execute(_with_cart().where(checkouts.c.id.in_(ids)))
    return {row["id"]: _checkout(row) for row in rows.mappings()}


async def of_cart(session: AsyncSession, cart_id: str) -> Checkout | None:
    """Read the checkout of a cart."""
    return await _one(session, _with_cart().where(checkouts.c.cart_id == cart_id))


async def save(session: AsyncSession, checkout: Checkout, at: datetime) -> bool:
    """Store a checkout as it is now: new, or in place of the version before; False when that is gone."""
    row = _row(checkout, at)
    added = upsert(checkouts).values(row)
    kept = {"id", "cart_id", "created_at"}
    statement = added.on_conflict_do_update(
        index_elements=["cart_id"],
        set_={name: value for name, value in row.items() if name not in kept},
        where=(checkouts.c.version == checkout.version - 1) & (checkouts.c.status == str(CheckoutStatus.OPEN)),
    )
    return (await session.execute(statement.returning(checkouts.c.id))).first() is not None


async def claim(session: AsyncSession, checkout: Checkout, order: Order, at: datetime, together: Sequence[CTE]) -> str:
    """Let one attempt at payment have the checkout, close its cart and place its order, in one statement.

    Returns:
        The number that the database gave the order.

    Raises:
        ClaimedError: another attempt has the checkout, or it or its cart was changed; the transaction
            must not commit.
        IntegrityError: another attempt is placing an order of the same cart, or has used the key.
    """
    open_as_read = (
        checkouts.c.id == checkout.id,
        checkouts.c.status == CheckoutStatus.OPEN,
        checkouts.c.version == checkout.version,
    )
    taken = update(checkouts).where(*open_as_read).returning(checkouts.c.id)
    claimed = taken.values(status=CheckoutStatus.PAYMENT, order_id=order.id, updated_at=at).cte("claimed")
    placed = insertion(order).cte("placed")
    closed = closing(checkout.cart_id, checkout.cart_version)
    joined = placed.join(claimed, true()).join(closed, true())
    statement = select(placed.c.number).select_from(joined).add_cte(*together)
    number = (await session.execute(statement)).scalar()
    if number is None:
        raise ClaimedError
    return str(number)


def leaving_payment(checkout_id: str, order_id: str, status: CheckoutStatus) -> CTE:
    """Say how to move a checkout on from its payment, as a part of a larger statement.

    One that is open again holds no stock and has no order.
    """
    changes: dict[str, Any] = {"status": status, "version": checkouts.c.version + 1}
    if status == CheckoutStatus.OPEN:
        changes |= {"reservation_id": None, "reservation_expires_at": None, "order_id": None}
    mine = (checkouts.c.id == checkout_id) & (checkouts.c.order_id == order_id)
    return update(checkouts).where(mine).values(changes).cte("checkout_changed")


def _with_cart() -> Select[Any]:
    return select(checkouts, carts.c.version.label("current_cart_version")).join(carts)


async def _one(session: AsyncSession, statement: Select[Any]) -> Checkout | None:
    row = (await session.execute(statement)).mappings().first()
    return None if row is None else _checkout(row)


def _row(checkout: Checkout, at: datetime) -> dict[str, Any]:
    shipping, reservation = checkout.shipping, checkout.reservation
    return {
        "id": checkout.id,
        "cart_id": checkout.cart_id,
        "cart_version": checkout.cart_version,
        "customer_id": checkout.customer_id,
        "email": checkout.email,
        "currency": checkout.currency,
        "status": str(checkout.status),
        "lines": [_line_row(line) for line in checkout.lines],
        "address": asdict(checkout.address) if checkout.address else None,
        "shipping_method_id": shipping.method_id if shipping else None,
        "shipping_method_name": shipping.name if shipping else None,
        "shipping_minor": shipping.price.minor if shipping else None,
        "reservation_id": reservation.id if reservation else None,
        "reservation_expires_at": reservation.expires_at if reservation else None,
        "order_id": checkout.order_id,
        "voucher_code": checkout.voucher.code if checkout.voucher else None,
        "voucher_name": checkout.voucher.name if checkout.voucher else None,
        "discount_minor": checkout.discount.minor,
        "version": checkout.version,
        "created_at": checkout.created_at,
        "updated_at": at,
    }


def _line_row(line: CartLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "variant_id": line.variant_id,
        "product_id": line.product_id,
        "name": line.name,
        "unit_price_minor": line.unit_price.minor,
        "weight_grams": line.weight_grams,
        "quantity": line.quantity,
    }


def _checkout(row: RowMapping) -> Checkout:
    currency = row["currency"]
    return Checkout(
        id=row["id"],
        cart_id=row["cart_id"],
        cart_version=row["cart_version"],
        customer_id=row["customer_id"],
        email=row["email"],
        currency=currency,
        status=CheckoutStatus(row["status"]),
        lines=tuple(_line(line, currency) for line in row["lines"]),
        address=PostalAddress(**row["address"]) if row["address"] else None,
        shipping=_shipping(row),
        reservation=_reservation(row),
        version=row["version"],
        created_at=row["created_at"],
        order_id=row["order_id"],
        current_cart_version=row["current_cart_version"],
        voucher=_voucher(row),
    )


def _line(line: dict[str, Any], currency: str) -> CartLine:
    return CartLine(
        sku=line["sku"],
        variant_id=line["variant_id"],
        product_id=line["product_id"],
        name=line["name"],
        unit_price=Money(line["unit_price_minor"], currency),
        weight_grams=line["weight_grams"],
        quantity=line["quantity"],
    )


def _shipping(row: RowMapping) -> ShippingChoice | None:
    if row["shipping_method_id"] is None:
        return None
    return ShippingChoice(
        method_id=row["shipping_method_id"],
        name=row["shipping_method_name"],
        price=Money(row["shipping_minor"], row["currency"]),
    )


def _reservation(row: RowMapping) -> Reservation | None:
    if row["reservation_id"] is None:
        return None
    return Reservation(id=row["reservation_id"], expires_at=row["reservation_expires_at"])


def _voucher(row: RowMapping) -> Voucher | None:
    if row["voucher_code"] is None:
        return None
    discount = Money(row["discount_minor"], row["currency"])
    return Voucher(code=row["voucher_code"], name=row["voucher_name"], discount=discount)
