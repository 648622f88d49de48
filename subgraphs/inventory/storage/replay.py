"""Reading the ledger back: the entries of some SKUs, folded into the rows that they must have led to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import Table, Text, TextClause, bindparam, delete, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.ledger import Entry, Place, Shelf, upcast
from subgraphs.inventory.domain.reservations import Allocation, ReservationLine, ReservationState
from subgraphs.inventory.domain.stock import Level, Movement, MovementType, Stream
from subgraphs.inventory.storage.arrays import among
from subgraphs.inventory.storage.tables import allocations, reservation_lines, stock_levels

_READ_AT_ONCE: Final = 2000
_WRITTEN_AT_ONCE: Final = 5000
_ENTRIES: Final = text(
    """
    SELECT sku, warehouse_id, event.version, type, quantity, reference, reason, CAST(details AS text) AS details,
        schema_version, occurred_at
    FROM stock_events AS event
    LEFT JOIN json_to_recordset(:known) AS known (sku text, warehouse_id text, version integer)
        USING (sku, warehouse_id)
    WHERE sku = ANY (:skus) AND event.version > coalesce(known.version, 0)
    ORDER BY position
    """
).bindparams(bindparam("skus", type_=ARRAY(Text)))
_LOCK: Final = text(
    "SELECT FROM stock_levels WHERE sku = ANY (:skus) ORDER BY sku, warehouse_id FOR NO KEY UPDATE"
).bindparams(bindparam("skus", type_=ARRAY(Text)))
_KINDS: Final = {kind.value: kind for kind in MovementType}


@dataclass(frozen=True, slots=True)
class Model:
    """A table that follows from the ledger, with the part of a shelf that it shows."""

    table: Table
    rows: Callable[[Shelf], Mapping[Any, Any]]
    read: Callable[[Any], Any]


async def replay(session: AsyncSession, skus: Sequence[str], shelf: Shelf) -> int:
    """Let all entries of these SKUs happen that the shelf does not know; tell how many, few being in memory at a time.

    Streams are continued by their versions: positions of different SKUs may become visible in another order.
    """
    known = [
        {"sku": sku, "warehouse_id": there, "version": each.version} for (sku, there), each in shelf.levels.items()
    ]
    result = await session.stream(
        _ENTRIES,
        {"skus": list(skus), "known": orjson.dumps(known).decode()},
        execution_options={"yield_per": _READ_AT_ONCE},
    )
    count = 0
    async for rows in result.partitions():
        for row in rows:
            shelf.apply(_entry(row))
        count += len(rows)
    return count


async def lock(session: AsyncSession, skus: Sequence[str]) -> None:
    """Keep commands from these SKUs until the transaction ends."""
    await session.execute(_LOCK, {"skus": list(skus)})


async def kept(session: AsyncSession, model: Model, skus: Sequence[str]) -> Mapping[Any, Any]:
    """Read what a table shows of these SKUs now, by key."""
    rows = await session.execute(select(model.table).where(among(model.table.c.sku, skus)))
    key = [column.name for column in model.table.primary_key]
    return {tuple(getattr(row, name) for name in key): model.read(row._asdict()) for row in rows}


async def put_right(session: AsyncSession, model: Model, wrong: Mapping[Any, Any], superfluous: Sequence[Any]) -> None:
    """Write rows as they must be, and remove those that must not be."""
    if superfluous:
        await session.execute(delete(model.table).where(tuple_(*model.table.primary_key).in_(superfluous)))
    rows = list(wrong.values())
    for start in range(0, len(rows), _WRITTEN_AT_ONCE):
        portion = orjson.dumps(rows[start : start + _WRITTEN_AT_ONCE]).decode()
        await session.execute(_written(model.table), {"rows": portion})


@cache
def _written(table: Table) -> TextClause:
    names, key = [column.name for column in table.c], [column.name for column in table.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    columns = ", ".join(names)
    return text(
        f"""
        INSERT INTO {table.name} ({columns})
        SELECT {columns} FROM json_populate_recordset(NULL::{table.name}, :rows)
        ON CONFLICT ({", ".join(key)}) DO UPDATE SET {changes}
        """  # noqa: S608 - all names are our own
    )


def _level(row: dict[str, Any]) -> Level:
    return Level(**row)


def _line(row: dict[str, Any]) -> ReservationLine:
    told: dict[str, Any] = {**row, "state": ReservationState(row["state"])}
    return ReservationLine(**told)


def _allocation(row: dict[str, Any]) -> Allocation:
    return Allocation(**row)


def _levels(shelf: Shelf) -> Mapping[Stream, Level]:
    return shelf.levels


def _lines(shelf: Shelf) -> Mapping[Place, ReservationLine]:
    return shelf.lines


def _allocations(shelf: Shelf) -> Mapping[Place, Allocation]:
    return shelf.allocations


MODELS: Final = (
    Model(stock_levels, _levels, _level),
    Model(reservation_lines, _lines, _line),
    Model(allocations, _allocations, _allocation),
)
"""Every table that a rebuild makes."""


def _entry(row: Any) -> Entry:
    kind = _KINDS[row.type]
    details = None if row.details is None else orjson.loads(row.details)
    movement = Movement(
        type=kind,
        quantity=row.quantity,
        reference=row.reference,
        reason=row.reason,
        details=upcast(kind, row.schema_version, details),
    )
    return Entry(row.sku, row.warehouse_id, row.version, movement, row.occurred_at)
