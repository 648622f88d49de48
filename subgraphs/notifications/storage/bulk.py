"""Many messages, customers and orders at once by COPY: for demo data and imports. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any, Final

import asyncpg

_SCHEMA: Final = "notifications"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRow:
    """How an account is addressed."""

    user_id: str
    email: str
    name: str
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """Whom later news of an order goes to."""

    order_id: str
    number: str
    email: str
    customer_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """A message that lies in somebody's inbox; `topic` as in `domain.messages.Topic`."""

    id: str
    event_id: str
    user_id: str
    topic: str
    subject: str
    text: str
    created_at: datetime
    order_id: str | None = None
    read_at: datetime | None = None


async def copy(
    connection: asyncpg.Connection,
    *,
    customers: Iterable[CustomerRow],
    orders: Iterable[OrderRow],
    messages: Iterable[MessageRow],
) -> None:
    """Store customers, orders and inbox messages."""
    await _copy(connection, "customers", _names(CustomerRow), map(astuple, customers))
    await _copy(connection, "orders", _names(OrderRow), map(astuple, orders))
    await _copy(
        connection,
        "messages",
        [*_names(MessageRow), "channel", "recipient", "html", "state", "due_at", "settled_at"],
        ((*astuple(m), "inbox", m.user_id, "", "delivered", m.created_at, m.created_at) for m in messages),
    )


def _names(row: type[Any]) -> list[str]:
    return [field.name for field in fields(row)]


async def _copy(
    connection: asyncpg.Connection, table: str, columns: list[str], rows: Iterable[tuple[object, ...]]
) -> None:
    await connection.copy_records_to_table(table, schema_name=_SCHEMA, columns=columns, records=rows)
