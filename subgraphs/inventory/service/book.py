"""An open page of the stock ledger: the levels of some SKUs, locked, and the movements made on them.

A command opens the book on the SKUs that it touches, records movements, and closes it; closing writes the
ledger, the levels and the events that tell of the change, all in the command's transaction. Opening also ends
the reservations of these SKUs whose time is over. That is why availability never waits for a sweeper.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.errors import NotFoundError
from kernel.events.catalogue import InventoryChanged, Payload, StockLevelLow, StockLine, StockReleased
from kernel.events.outbox import record_many
from subgraphs.inventory.domain.sourcing import Supply
from subgraphs.inventory.domain.stock import Level, Movement, MovementType
from subgraphs.inventory.storage import ledger, promises
from subgraphs.inventory.storage.ledger import Entry, Standing


class StockBook:
    """The locked levels of some SKUs within one transaction."""

    def __init__(self, session: AsyncSession, standings: Iterable[Standing], now: datetime) -> None:
        self._session = session
        self._now = now
        self._before = {(each.level.sku, each.level.warehouse_id): each for each in standings}
        self._levels = {stream: each.level for stream, each in self._before.items()}
        self._entries: list[Entry] = []
        self._expired: defaultdict[str, list[StockLine]] = defaultdict(list)

    @classmethod
    async def open(
        cls, session: AsyncSession, skus: Collection[str], now: datetime, *, spare: str | None = None
    ) -> Self:
        """Lock all levels of these SKUs and end what has expired on them, except the reservation `spare`."""
        book = cls(session, await ledger.lock_levels(session, skus), now)
        for reservation_id, line in await promises.expire_lines(session, skus, now, spare=spare):
            movement = Movement(type=MovementType.EXPIRED, quantity=line.quantity, reference=reservation_id)
            book.record(line.sku, line.warehouse_id, movement)
            book._expired[reservation_id].append(StockLine(**asdict(line)))
        return book

    def supplies(self) -> list[Supply]:
        """What can be promised now, from the warehouses that work."""
        return [
            Supply(sku, warehouse_id, self._levels[sku, warehouse_id].available, standing.priority)
            for (sku, warehouse_id), standing in self._before.items()
            if standing.active
        ]

    def record(self, sku: str, warehouse_id: str, movement: Movement) -> None:
        """Let a movement happen.

        Raises:
            NotFoundError: the SKU has never been in this warehouse.
            ConflictError: the stock does not allow it.
        """
        level = self._level(sku, warehouse_id).record(movement)
        self._levels[sku, warehouse_id] = level
        self._entries.append(Entry.of(level, movement))

    def set_policy(self, sku: str, warehouse_id: str, *, reorder_point: int, backorder_limit: int) -> None:
        """Say when to reorder and how many more than there are may be promised."""
        self._levels[sku, warehouse_id] = self._level(sku, warehouse_id).follow(
            reorder_point=reorder_point, backorder_limit=backorder_limit
        )

    def standing(self, sku: str, warehouse_id: str) -> Standing:
        """Tell how a SKU stands in a warehouse now."""
        return replace(self._before[sku, warehouse_id], level=self._level(sku, warehouse_id))

    async def close(self, *tell: tuple[str, Payload]) -> None:
        """Write the ledger, the levels and the events; `tell` are the command's own events with their subjects."""
        changed = [level for stream, level in self._levels.items() if level != self._before[stream].level]
        if changed:
            await ledger.write(self._session, self._entries, changed, self._now)
        await record_many(self._session, [*self._expiries(), *tell, *self._changes(), *self._lows(changed)])

    @property
    def movements(self) -> int:
        """How many movements were made."""
        return len(self._entries)

    def _level(self, sku: str, warehouse_id: str) -> Level:
        try:
            return self._levels[sku, warehouse_id]
        except KeyError:
            raise NotFoundError(f"There is no stock of {sku[:80]!r} in that warehouse.", path=("sku",)) from None

    def _expiries(self) -> Iterable[tuple[str, Payload]]:
        for reservation_id, lines in self._expired.items():
            yield (
                reservation_id,
                StockReleased(reservation_id=reservation_id, lines=tuple(lines), reason="expired"),
            )

    def _changes(self) -> Iterable[tuple[str, Payload]]:
        """Tell of every SKU of which more or less can be bought than before."""
        for sku in sorted({sku for sku, _ in self._levels}):
            streams = [stream for stream in self._levels if stream[0] == sku]
            before = _totals([self._before[stream].level for stream in streams if self._before[stream].active])
            after = _totals([self._levels[stream] for stream in streams if self._before[stream].active])
            if before != after:
                yield (
                    sku,
                    InventoryChanged(
                        sku=sku,
                        product_id=self._before[streams[0]].product_id,
                        available=after[0],
                        on_hand=after[1],
                    ),
                )

    def _lows(self, changed: Iterable[Level]) -> Iterable[tuple[str, Payload]]:
        """Tell of every level that has just reached its reorder point."""
        for level in changed:
            if level.low and not self._before[level.sku, level.warehouse_id].level.low:
                yield (
                    level.sku,
                    StockLevelLow(
                        sku=level.sku,
                        warehouse_id=level.warehouse_id,
                        available=level.available,
                        reorder_point=level.reorder_point,
                    ),
                )


def _totals(levels: Collection[Level]) -> tuple[int, int]:
    return sum(level.available for level in levels), sum(level.on_hand for level in levels)
