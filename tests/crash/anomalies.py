"""What must hold when a sale is over, however it was disturbed: one order, one charge or none, books that agree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import asyncpg

from kernel.database import Database, plain_url
from subgraphs.inventory.service.auditing import verify

TOTAL: Final = 4988
"""Two of SKU-A at 19.99, one of SKU-B at 5.00, shipping at 4.90, in cents."""


@dataclass(frozen=True, slots=True)
class Books:
    """How the books stand when a sale is over; stock is told as pieces on hand, reserved and allocated."""

    orders: tuple[str, ...]
    taken: int
    charges: int
    stock: tuple[tuple[str, int, int, int], ...]
    refunds: int = 0
    parcels: tuple[int, int] = (2, 2)
    vouchers: int = 0


_SOLD: Final = (("SKU-A", 10, 0, 2), ("SKU-B", 10, 0, 1))
_ALL_THERE: Final = (("SKU-A", 10, 0, 0), ("SKU-B", 10, 0, 0))


class Ending(Enum):
    """How a sale ends."""

    BOUGHT = Books(("CONFIRMED",), TOTAL, 1, _SOLD)
    BOUGHT_CHEAPER = Books(("CONFIRMED",), TOTAL - 450, 1, _SOLD, vouchers=1)
    DECLINED = Books(("CANCELLED",), 0, 0, _ALL_THERE, parcels=(0, 0))
    CANCELLED = Books(("REFUNDED",), 0, 1, _ALL_THERE, refunds=1, parcels=(0, 0))
    EDITED = Books(("CONFIRMED",), TOTAL + 1499, 2, (("SKU-A", 10, 0, 3), ("SKU-B", 10, 0, 0)), parcels=(1, 1))
    MADE_SMALLER = Books(("CONFIRMED",), TOTAL - 1999, 1, (("SKU-A", 10, 0, 1), ("SKU-B", 10, 0, 1)), refunds=1)
    PARTLY_REFUNDED = Books(("CONFIRMED",), TOTAL - 500, 1, _SOLD, refunds=1)
    RETURNED = Books(("SHIPPED",), TOTAL - 1999, 1, (("SKU-A", 9, 0, 0), ("SKU-B", 9, 0, 0)), refunds=1)
    EXCHANGED = Books(
        ("SHIPPED", "CONFIRMED"), TOTAL + 1001, 2, (("SKU-A", 8, 0, 0), ("SKU-B", 9, 0, 6)), parcels=(3, 2)
    )


_ORDERS: Final = "SELECT status FROM orders.orders ORDER BY id"
_TAKEN: Final = """
    SELECT coalesce(sum(amount_minor - refunded_minor), 0) FROM payments.payments
    WHERE status NOT IN ('PENDING', 'DECLINED')
"""
_CHARGES: Final = "SELECT count(*) FROM payments.sandbox_charges WHERE charged"
_REFUNDS: Final = "SELECT count(*) FROM payments.sandbox_refunds"
_STOCK: Final = """
    SELECT sku, sum(on_hand)::int, sum(reserved)::int, sum(allocated)::int FROM inventory.stock_levels
    GROUP BY sku ORDER BY sku
"""
_LEDGER: Final = """
    SELECT coalesce(sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END), 0)
    FROM payments.ledger_entries
"""
_PARCELS: Final = "SELECT count(*), count(DISTINCT warehouse_id) FROM shipping.shipments WHERE status <> 'CANCELLED'"
_VOUCHERS: Final = "SELECT count(*) FROM products.voucher_uses"
_HELD: Final = "SELECT count(*) FROM shipping.held_orders"
_DEAD: Final = "SELECT count(*) FROM {0}.inbox WHERE state = 'dead'"


async def execute(url: str, statement: str) -> None:
    """Run one statement outside of any transaction."""
    connection = await asyncpg.connect(plain_url(url))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def find_anomalies(url: str, ending: Ending, answer: dict[str, Any] | None) -> list[str]:
    """Compare what is in the books with how the sale must have ended; an empty list means that all is well."""
    if answer is None:
        return ["the store did not come to rest"]
    connection = await asyncpg.connect(plain_url(url))
    try:
        found = await _look(connection)
    finally:
        await connection.close()
    async with Database(url, schema="inventory") as database:
        found["discrepancies of stock and its ledger"] = await verify(database)
    expected = _expected(ending)
    return [f"{name}: {found[name]}, not {wanted}" for name, wanted in expected.items() if found[name] != wanted]


async def _look(connection: asyncpg.Connection) -> dict[str, Any]:
    return {
        "orders": [row["status"] for row in await connection.fetch(_ORDERS)],
        "cents taken": await connection.fetchval(_TAKEN),
        "charges": await connection.fetchval(_CHARGES),
        "refunds": await connection.fetchval(_REFUNDS),
        "stock": [tuple(row) for row in await connection.fetch(_STOCK)],
        "ledger": await connection.fetchval(_LEDGER),
        "parcels": tuple(await connection.fetchrow(_PARCELS)),
        "vouchers used": await connection.fetchval(_VOUCHERS),
        "held orders": await connection.fetchval(_HELD),
        "dead letters": sum([await connection.fetchval(_DEAD.format(name)) for name in _CONSUMERS]),
    }


_CONSUMERS: Final = ("products", "inventory", "orders", "payments", "shipping")


def _expected(ending: Ending) -> dict[str, Any]:
    books = ending.value
    return {
        "orders": list(books.orders),
        "cents taken": books.taken,
        "charges": books.charges,
        "refunds": books.refunds,
        "stock": list(books.stock),
        "ledger": 0,
        "parcels": books.parcels,
        "vouchers used": books.vouchers,
        "dead letters": 0,
        "held orders": 0,
        "discrepancies of stock and its ledger": [],
    }
