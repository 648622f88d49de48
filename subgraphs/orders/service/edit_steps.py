"""The steps of changing an order: its parcels are held, stock and money made right, then it is another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import CTE
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.events.catalogue import StockLine
from kernel.events.outbox import record
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.orders.domain.changes import changed_order
from subgraphs.orders.domain.errors import InsufficientStockError
from subgraphs.orders.domain.order import EntryKind, Order, TimelineEntry, edited_event
from subgraphs.orders.domain.ports import Shipping, Stock
from subgraphs.orders.domain.saga import Failure, Saga, StepName
from subgraphs.orders.service.destinations import destination_of
from subgraphs.orders.service.runner import Done, Outcome
from subgraphs.orders.service.uncompensated import Uncompensated
from subgraphs.orders.storage import edits as edit_store
from subgraphs.orders.storage import orders as order_store


class HoldShipments:
    """Lets nothing leave meanwhile; refused when a parcel is on its way."""

    def __init__(self, shipping: Shipping) -> None:
        self._shipping = shipping

    async def run(self, saga: Saga) -> Outcome:
        """Hold the parcels; they go on with the event of the changed order."""
        await self._shipping.hold(saga.order_id)
        return Done()

    async def undo(self, saga: Saga) -> None:
        """Let them go as they are."""
        await self._shipping.resume(saga.order_id)


class AllocateMore:
    """Gives the order what it lacks, before anything is taken away from it."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def run(self, saga: Saga) -> Outcome:
        """Allocate the larger quantity of each line."""
        key, before, after = saga.key(StepName.ALLOCATE_MORE), saga.data["before"], saga.data["after"]
        larger = {sku: max(before.get(sku, 0), after.get(sku, 0)) for sku in {**before, **after}}
        try:
            await self._stock.change_allocation(saga.order_id, larger, key, destination_of(saga))
        except InsufficientStockError as error:
            shortages = [asdict(short) for short in error.shortages]
            return Failure(error.code, error.message, {"shortages": shortages})
        return Done()

    async def undo(self, saga: Saga) -> None:
        """Give back what was added; that is never refused."""
        key = saga.undo_key(StepName.ALLOCATE_MORE)
        await self._stock.change_allocation(saga.order_id, saga.data["before"], key)


class SettleStock(Uncompensated):
    """Gives back what the order needs no more; only what cannot be refused comes after it."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def run(self, saga: Saga) -> Outcome:
        """Leave the order with just what it needs, and keep where that is."""
        key = saga.key(StepName.SETTLE_STOCK)
        stock = await self._stock.change_allocation(saga.order_id, saga.data["after"], key)
        return Done({"stock": [asdict(line) for line in stock]})


class ApplyEdit(Uncompensated):
    """Makes it another order here, and tells everybody."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def run(self, saga: Saga) -> Outcome:
        """Change lines and totals."""

        async def effect(session: AsyncSession) -> Sequence[CTE]:
            order, _ = await order_store.locked_with_lines(session, saga.order_id)
            lines = edit_store.read(saga.data)
            edited = changed_order(order, lines)
            stock = tuple(StockLine(**line) for line in saga.result(StepName.SETTLE_STOCK)["stock"])
            await edit_store.put_lines(session, order.id, lines)
            await record(session, edited_event(edited, lines, stock, self._clock.now()), subject=order.id)
            return edit_store.totals_change(edited), order_store.entry_insertion(self._entry(saga, order, edited))

        return Done(effect=effect)

    def _entry(self, saga: Saga, before: Order, after: Order) -> TimelineEntry:
        return TimelineEntry(
            id=new_id("evt"),
            order_id=after.id,
            kind=EntryKind.EDITED,
            message=f"The order was changed: {_due(after.total.gross - before.total.gross)}.",
            at=self._clock.now(),
            actor=saga.data["actor"],
        )


def _due(difference: Money) -> str:
    if not difference:
        return "nothing is due"
    return f"{-difference} goes back" if difference.negative else f"{difference} was paid"
