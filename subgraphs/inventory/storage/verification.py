"""The proof that the books are right: every level is the sum of its ledger, and every promise is in a level.

All figures come from one snapshot, so it can run while the shop sells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.reservations import ReservationState
from subgraphs.inventory.domain.stock import EFFECTS, MovementType, Stream
from subgraphs.inventory.storage.tables import allocations, reservation_lines, stock_events, stock_levels


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A figure that is not what another one says it must be."""

    sku: str
    warehouse_id: str
    figure: str
    expected: int
    found: int


async def find_discrepancies(session: AsyncSession) -> list[Discrepancy]:
    """Compare the levels with the ledger, the reservations and the allocations; empty when all is well.

    The session must not have been used yet, because the snapshot is taken here.
    """
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    levels = await _levels(session)
    ledger = await _ledger(session)
    held, allocated = await _held(session), await _allocated(session)
    found: list[Discrepancy] = []
    for figure in ("version", "on_hand", "reserved", "allocated"):
        found += _compare(figure, ledger[figure], levels[figure])
    found += _compare("reserved by reservations", held, levels["reserved"])
    found += _compare("allocated to orders", allocated, levels["allocated"])
    return found


def _compare(figure: str, expected: Mapping[Stream, int], found: Mapping[Stream, int]) -> Iterator[Discrepancy]:
    for stream in sorted({*expected, *found}):
        if (wanted := expected.get(stream, 0)) != (seen := found.get(stream, 0)):
            yield Discrepancy(*stream, figure, wanted, seen)


async def _levels(session: AsyncSession) -> dict[str, dict[Stream, int]]:
    rows = (await session.execute(select(stock_levels))).mappings().all()
    figures = ("version", "on_hand", "reserved", "allocated")
    return {figure: {(row["sku"], row["warehouse_id"]): row[figure] for row in rows} for figure in figures}


async def _ledger(session: AsyncSession) -> dict[str, Counter[Stream]]:
    event = stock_events.c
    statement = select(
        event.sku,
        event.warehouse_id,
        event.type,
        func.sum(event.quantity).label("units"),
        func.count().label("entries"),
    ).group_by(event.sku, event.warehouse_id, event.type)
    sums: dict[str, Counter[Stream]] = {name: Counter() for name in ("version", "on_hand", "reserved", "allocated")}
    for row in await session.execute(statement):
        stream, effect = (row.sku, row.warehouse_id), EFFECTS[MovementType(row.type)]
        sums["version"][stream] += row.entries
        sums["on_hand"][stream] += effect.on_hand * row.units
        sums["reserved"][stream] += effect.reserved * row.units
        sums["allocated"][stream] += effect.allocated * row.units
    return sums


async def _held(session: AsyncSession) -> dict[Stream, int]:
    line = reservation_lines.c
    statement = (
        select(line.sku, line.warehouse_id, func.sum(line.quantity).label("units"))
        .where(line.state == ReservationState.HELD.value)
        .group_by(line.sku, line.warehouse_id)
    )
    return {(row.sku, row.warehouse_id): row.units for row in await session.execute(statement)}


async def _allocated(session: AsyncSession) -> dict[Stream, int]:
    row = allocations.c
    statement = select(
        row.sku, row.warehouse_id, func.sum(row.quantity - row.shipped - row.released).label("units")
    ).group_by(row.sku, row.warehouse_id)
    return {(row.sku, row.warehouse_id): row.units for row in await session.execute(statement)}
