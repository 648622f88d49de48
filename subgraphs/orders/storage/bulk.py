"""Historic orders in bulk, for demo data and imports: rows go straight into the tables, no events are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import asyncpg
import orjson

SCHEMA = "orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """A row of `orders`; `status` is a name of `OrderStatus`, `address` has the fields of `PostalAddress`.

    `total_minor` must be the sum of the four parts; `cart_id` must be unique among orders neither cancelled
    nor refunded. Numbers below SG-100001 never meet those that the shop itself gives out.
    """

    id: str
    number: str
    cart_id: str
    checkout_id: str
    customer_id: str | None
    email: str
    currency: str
    status: str
    subtotal_net_minor: int
    subtotal_tax_minor: int
    shipping_net_minor: int
    shipping_tax_minor: int
    total_minor: int
    shipping_method_id: str
    shipping_method_name: str
    address: Mapping[str, str]
    placed_at: datetime
    confirmed_at: datetime | None
    refunded_minor: int = 0
    charged_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineRow:
    """A row of `order_lines`; `position` counts from 0 within its order."""

    id: str
    order_id: str
    position: int
    sku: str
    variant_id: str
    product_id: str
    name: str
    quantity: int
    unit_price_minor: int
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """A row of `order_timeline`; `kind` is a name of `EntryKind`."""

    id: str
    order_id: str
    kind: str
    from_status: str | None
    to_status: str | None
    message: str
    actor: str
    at: datetime


async def copy(
    connection: asyncpg.Connection,
    *,
    orders: Iterable[OrderRow],
    lines: Iterable[OrderLineRow],
    timeline: Iterable[TimelineRow],
) -> None:
    """Load historic orders with their lines and timeline, in the caller's transaction."""
    await _copy(connection, "orders", OrderRow, orders)
    await _copy(connection, "order_lines", OrderLineRow, lines)
    await _copy(connection, "order_timeline", TimelineRow, timeline)


async def _copy(connection: asyncpg.Connection, table: str, kind: type[Any], rows: Iterable[Any]) -> None:
    columns = [field.name for field in fields(kind)]
    values = attrgetter(*columns)
    records = (tuple(map(_spelled, values(row))) for row in rows)
    await connection.copy_records_to_table(table, schema_name=SCHEMA, columns=columns, records=records)


def _spelled(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, Mapping) else value
