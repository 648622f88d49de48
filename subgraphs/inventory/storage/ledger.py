"""The ledger and its levels: opened under locks, appended to, never changed.

A book is opened by one statement, the database function `open_book`, and written by another. Opening locks all
levels of the touched SKUs, ordered by SKU and warehouse. With one order there is no deadlock; everything that
concerns a SKU waits for these locks, so what is read under them is true until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson
from sqlalchemy import ColumnElement, DateTime, Row, Select, Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.book import Book, Site
from subgraphs.inventory.domain.ledger import SCHEMA_VERSION, Entry, Shelf
from subgraphs.inventory.domain.places import Destination, locate
from subgraphs.inventory.domain.reservations import Allocation, ReservationLine
from subgraphs.inventory.domain.stock import Level
from subgraphs.inventory.storage.tables import skus, stock_levels, warehouses

Statement = Select[*tuple[Any, ...]]
"""A statement of whatever columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A level with what sourcing, events and clients want to know beside it."""

    level: Level
    priority: int
    active: bool
    product_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What a command needs to see and to lock; SKUs of reservations, orders and bundles are found by their names."""

    skus: frozenset[str] = frozenset()
    reservations: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    every_promise: bool = False
    """Whether all that is promised of these SKUs is wanted, not only what the command names."""

    def __or__(self, other: Touched) -> Touched:
        return Touched(
            skus=self.skus | other.skus,
            reservations=self.reservations | other.reservations,
            orders=self.orders | other.orders,
            every_promise=self.every_promise or other.every_promise,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that was carried out under a key, and what it gave."""

    idempotency_key: str
    operation: str
    fingerprint: str
    result: Any


@dataclass(frozen=True, slots=True)
class _SiteRow:
    id: str
    priority: int
    active: bool
    country: str
    postal_code: str
    parcel_cost: int


@dataclass(frozen=True, slots=True)
class _BundleRow:
    bundle_sku: str
    part_sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class _Opened:
    sites: list[_SiteRow] | None
    products: dict[str, str] | None
    bundles: list[_BundleRow] | None
    levels: list[Level] | None
    lines: list[ReservationLine] | None
    allocations: list[Allocation] | None
    done: list[Done] | None


_OPENED: Final = msgspec.json.Decoder(_Opened)
_NAMES: Final = ARRAY(Text)
_OPEN: Final = text(
    "SELECT CAST(open_book(:skus, :reservations, :orders, :keys, :now, :every_promise) AS text)"
).bindparams(
    bindparam("skus", type_=_NAMES),
    bindparam("reservations", type_=_NAMES),
    bindparam("orders", type_=_NAMES),
    bindparam("keys", type_=_NAMES),
    bindparam("now", type_=DateTime(timezone=True)),
)
_WRITE: Final = text(
    """
    WITH appended AS (
        INSERT INTO stock_events
            (sku, warehouse_id, version, type, quantity, reference, reason, occurred_at, schema_version, details)
        SELECT sku, warehouse_id, version, type, quantity, reference, reason, occurred_at,
            CAST(:schema_version AS smallint), details
        FROM ROWS FROM (json_to_recordset(:entries) AS (
            sku text, warehouse_id text, version integer, type text, quantity integer, reference text, reason text,
            occurred_at timestamptz, details jsonb)) WITH ORDINALITY ORDER BY ordinality
    ), leveled AS (
        INSERT INTO stock_levels AS level
            (sku, warehouse_id, version, on_hand, reserved, allocated, backorder_limit, reorder_point, safety_stock,
             releases_at)
        SELECT sku, warehouse_id, version, on_hand, reserved, allocated, backorder_limit, reorder_point, safety_stock,
             releases_at
        FROM json_populate_recordset(NULL::stock_levels, :levels)
        ON CONFLICT (sku, warehouse_id) DO UPDATE SET
            version = excluded.version, on_hand = excluded.on_hand, reserved = excluded.reserved,
            allocated = excluded.allocated, backorder_limit = excluded.backorder_limit,
            reorder_point = excluded.reorder_point, safety_stock = excluded.safety_stock,
            releases_at = excluded.releases_at
    ), held AS (
        INSERT INTO reservation_lines AS line
            (reservation_id, sku, warehouse_id, checkout_id, quantity, state, expires_at, created_at)
        SELECT reservation_id, sku, warehouse_id, checkout_id, quantity, state, expires_at, created_at
        FROM json_populate_recordset(NULL::reservation_lines, :lines)
        ON CONFLICT (reservation_id, sku, warehouse_id) DO UPDATE SET
            quantity = excluded.quantity, state = excluded.state, expires_at = excluded.expires_at
    ), allocated AS (
        INSERT INTO allocations AS row
            (order_id, sku, warehouse_id, reservation_id, quantity, shipped, released, returned)
        SELECT order_id, sku, warehouse_id, reservation_id, quantity, shipped, released, returned
        FROM json_populate_recordset(NULL::allocations, :allocations)
        ON CONFLICT (order_id, sku, warehouse_id) DO UPDATE SET
            quantity = excluded.quantity, shipped = excluded.shipped, released = excluded.released,
            returned = excluded.returned
    )
    INSERT INTO commands (idempotency_key, operation, fingerprint, result)
    SELECT idempotency_key, operation, fingerprint, result
    FROM json_to_recordset(:done) AS (idempotency_key text, operation text, fingerprint text, result jsonb)
    """
)


async def open_book(
    session: AsyncSession, touched: Touched, now: datetime, keys: Collection[str] = ()
) -> tuple[Book, dict[str, Done]]:
    """Lock what is touched until the transaction ends; give the book, and what was done under these keys before."""
    raw = await session.scalar(
        _OPEN,
        {
            "skus": sorted(touched.skus),
            "reservations": sorted(touched.reservations),
            "orders": sorted(touched.orders),
            "keys": sorted(keys),
            "now": now,
            "every_promise": touched.every_promise,
        },
    )
    opened = _OPENED.decode(raw)
    shelf = Shelf(
        levels={(level.sku, level.warehouse_id): level for level in opened.levels or ()},
        lines={(line.reservation_id, line.sku, line.warehouse_id): line for line in opened.lines or ()},
        allocations={(row.order_id, row.sku, row.warehouse_id): row for row in opened.allocations or ()},
    )
    book = Book(
        now=now,
        sites={site.id: _site(site) for site in opened.sites or ()},
        products=opened.products or {},
        bundles=_bundles(opened.bundles or ()),
        shelf=shelf,
        before=Shelf(dict(shelf.levels), dict(shelf.lines), dict(shelf.allocations)),
        due=[place for place, line in shelf.lines.items() if line.held and line.expires_at <= now],
    )
    return book, {each.idempotency_key: each for each in opened.done or ()}


async def write_book(session: AsyncSession, book: Book, done: Iterable[Done] = ()) -> None:
    """Append what is new in a book, and write how everything that it changed stands now, in one statement.

    Raises:
        IntegrityError: `stock_events_stream` or `commands_pkey` when somebody else was first, or a constraint of
            the levels.
    """
    finished = list(done)
    if not book.entries and not finished:
        return
    await session.execute(
        _WRITE,
        {
            "schema_version": SCHEMA_VERSION,
            "entries": _json([_row(entry) for entry in book.entries]),
            "levels": _json(_changed(book.before.levels, book.shelf.levels)),
            "lines": _json(_changed(book.before.lines, book.shelf.lines)),
            "allocations": _json(_changed(book.before.allocations, book.shelf.allocations)),
            "done": _json(finished),
        },
    )


def standings(*more: ColumnElement[Any]) -> Statement:
    """Select levels with their warehouse and product."""
    return (
        select(*stock_levels.c, warehouses.c.priority, warehouses.c.active, skus.c.product_id, *more)
        .join(warehouses, warehouses.c.id == stock_levels.c.warehouse_id)
        .outerjoin(skus, skus.c.sku == stock_levels.c.sku)
    )


def standing_of(row: Row[Any], *, expired: int = 0) -> Standing:
    """Read a level; `expired` is how many of its reserved units nobody holds any more."""
    level = Level(
        sku=row.sku,
        warehouse_id=row.warehouse_id,
        version=row.version,
        on_hand=row.on_hand,
        reserved=row.reserved - expired,
        allocated=row.allocated,
        backorder_limit=row.backorder_limit,
        reorder_point=row.reorder_point,
        safety_stock=row.safety_stock,
        releases_at=row.releases_at,
    )
    return Standing(level=level, priority=row.priority, active=row.active, product_id=row.product_id)


def standing_in(book: Book, sku: str, warehouse_id: str) -> Standing:
    """Tell how a SKU stands in an open book."""
    site = book.sites[warehouse_id]
    return Standing(
        level=book.level(sku, warehouse_id),
        priority=site.priority,
        active=site.active,
        product_id=book.products.get(sku),
    )


def _site(row: _SiteRow) -> Site:
    place = locate(Destination(row.country, row.postal_code))
    return Site(priority=row.priority, active=row.active, place=place, parcel_cost=row.parcel_cost)


def _bundles(rows: Iterable[_BundleRow]) -> dict[str, dict[str, int]]:
    bundles: dict[str, dict[str, int]] = {}
    for row in rows:
        bundles.setdefault(row.bundle_sku, {})[row.part_sku] = row.quantity
    return bundles


def _row(entry: Entry) -> Mapping[str, Any]:
    movement = entry.movement
    return {
        "sku": entry.sku,
        "warehouse_id": entry.warehouse_id,
        "version": entry.version,
        "type": movement.type.value,
        "quantity": movement.quantity,
        "reference": movement.reference,
        "reason": movement.reason,
        "occurred_at": entry.occurred_at,
        "details": movement.details or None,
    }


def _changed(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Sequence[Any]:
    """Give the rows that are not as they were, in the order of their keys."""
    return [after[key] for key in sorted(after) if after[key] is not before.get(key)]


def _json(rows: Sequence[Any]) -> str:
    return orjson.dumps(rows).decode()
