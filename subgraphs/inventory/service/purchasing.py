"""Ordering from suppliers: what is suggested, what was ordered, what arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import blake2b

from sqlalchemy.exc import IntegrityError

from kernel.clock import Clock
from kernel.database import Database, constraint_name
from kernel.errors import InvalidInputError, NotFoundError
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.inventory.domain.purchasing import (
    LIFE,
    MAX_LINES,
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderState,
    check_quantities,
)
from subgraphs.inventory.domain.stock import Level, Policy
from subgraphs.inventory.service.stock import InventoryService
from subgraphs.inventory.storage import forecasts, purchasing, reading
from subgraphs.inventory.storage.ledger import Standing


class Purchasing:
    """What can be done with orders to suppliers."""

    def __init__(self, database: Database, clock: Clock, stock: InventoryService) -> None:
        self._database = database
        self._clock = clock
        self._stock = stock

    async def draft(
        self, warehouse_id: str, quantities: Mapping[str, int], *, supplier: str, expected_on: date | None
    ) -> PurchaseOrder:
        """Draft an order.

        Raises:
            NotFoundError: there is no such warehouse.
        """
        check_quantities(quantities)
        if len(supplier) > 200:
            raise InvalidInputError("A supplier's name has at most 200 characters.", path=("supplier",))
        order = self._new(warehouse_id, quantities, supplier, expected_on)
        try:
            async with self._database.transaction() as session:
                await purchasing.add(session, order)
        except IntegrityError as error:
            if constraint_name(error) != "purchase_orders_warehouse":
                raise
            raise NotFoundError("There is no such warehouse.", path=("warehouseId",)) from error
        return order

    async def draft_suggested(self, warehouse_id: str) -> tuple[PurchaseOrder, ...]:
        """Draft what a warehouse should order now, one order for each supplier."""
        async with self._database.transaction() as session:
            due = await forecasts.due_plans(session, warehouse_id, MAX_LINES)
            suppliers = sorted({each.plan.supplier for each in due})
            orders = tuple(self._of_supplier(warehouse_id, name, due) for name in suppliers)
            for order in orders:
                await purchasing.add(session, order)
        return orders

    async def place(self, order_id: str, expected_on: date | None) -> PurchaseOrder:
        """Note that a draft was sent to the supplier; from now on it counts as incoming stock."""
        return await self._change(order_id, PurchaseOrderState.ORDERED, expected_on=expected_on)

    async def cancel(self, order_id: str) -> PurchaseOrder:
        """Give an order up; what arrived of it stays."""
        return await self._change(order_id, PurchaseOrderState.CANCELLED)

    async def receive(self, order_id: str, quantities: Mapping[str, int], key: str) -> PurchaseOrder:
        """Put what arrived on the shelf, once for each key; the order ends when nothing is missing any more.

        Each line is a command of stock with a key of its own. Were we stopped between two of them, the same call
        goes on where it stopped: what a line already received is told by the ledger, not counted twice.
        """
        async with self._database.session() as session:
            order = _found(await purchasing.get(session, order_id))
        if order.state is not PurchaseOrderState.RECEIVED:
            LIFE.check(order.state, PurchaseOrderState.RECEIVED)
        order.arrived(quantities)
        for sku in sorted(quantities):
            await self._stock.receive(
                sku, order.warehouse_id, quantities[sku], reference=order.id, key=_key_of_line(order_id, key, sku)
            )
        return await self._settle(order_id)

    async def adopt_reorder_points(self, warehouse_id: str, skus: Sequence[str]) -> list[Standing]:
        """Let levels be low from their planned reorder points on; give those that have a plan.

        The commands are independent of each other, so the desk of stock carries many of them out together.
        """
        if not 1 <= len(set(skus)) <= MAX_LINES:
            raise InvalidInputError(f"From 1 to {MAX_LINES} SKUs are possible.", path=("skus",))
        async with self._database.session() as session:
            plans = await forecasts.plans_of(session, skus)
            levels = await reading.standings_of_skus(session, skus, self._clock.now())
        wanted = {sku: each.plan.reorder_point for sku in plans for each in plans[sku] if _at(each, warehouse_id)}
        known = {sku: each.level for sku in wanted for each in levels[sku] if each.level.warehouse_id == warehouse_id}
        changes = (
            self._stock.set_policy(sku, warehouse_id, _with_reorder_point(known[sku], wanted[sku]))
            for sku in sorted(known)
        )
        return list(await asyncio.gather(*changes))

    async def set_cost(self, sku: str, cost: Money) -> None:
        """Say what a unit of a SKU costs to buy."""
        if cost.minor < 0 or not 1 <= len(sku) <= 250:
            raise InvalidInputError("A cost is not negative, and a SKU has from 1 to 250 characters.", path=("cost",))
        async with self._database.transaction() as session:
            await purchasing.set_costs(session, [(sku, cost)])

    async def _settle(self, order_id: str) -> PurchaseOrder:
        """Count what the ledger received for an order, and end it when that is all."""
        async with self._database.transaction() as session:
            order = _found(await purchasing.get(session, order_id, lock=True))
            came = await purchasing.received(session, order)
            lines = tuple(replace(line, received=came.get(line.sku, 0)) for line in order.lines)
            after = replace(order, lines=lines)
            if after.state is PurchaseOrderState.ORDERED and not any(line.missing for line in lines):
                after = replace(after, state=PurchaseOrderState.RECEIVED, closed_at=self._clock.now())
            await purchasing.write(session, after)
        return after

    async def _change(
        self, order_id: str, wanted: PurchaseOrderState, *, expected_on: date | None = None
    ) -> PurchaseOrder:
        async with self._database.transaction() as session:
            order = _found(await purchasing.get(session, order_id, lock=True))
            now = self._clock.now()
            ordered = wanted is PurchaseOrderState.ORDERED
            after = replace(
                order,
                state=LIFE.check(order.state, wanted),
                expected_on=expected_on or order.expected_on,
                ordered_at=now if ordered else order.ordered_at,
                closed_at=None if ordered else now,
            )
            await purchasing.write(session, after)
        return after

    def _of_supplier(self, warehouse_id: str, supplier: str, due: Sequence[forecasts.Standing]) -> PurchaseOrder:
        chosen = [each for each in due if each.plan.supplier == supplier]
        quantities = {each.plan.sku: each.plan.quantity(each.position) for each in chosen}
        slowest = max(each.plan.lead_time_days for each in chosen)
        expected_on = self._clock.now().date() + timedelta(days=slowest)
        return self._new(warehouse_id, quantities, supplier, expected_on)

    def _new(
        self, warehouse_id: str, quantities: Mapping[str, int], supplier: str, expected_on: date | None
    ) -> PurchaseOrder:
        now: datetime = self._clock.now()
        return PurchaseOrder(
            id=new_id("po"),
            warehouse_id=warehouse_id,
            supplier=supplier,
            state=PurchaseOrderState.DRAFT,
            expected_on=expected_on,
            created_at=now,
            lines=tuple(PurchaseLine(sku, quantities[sku]) for sku in sorted(quantities)),
        )


def _key_of_line(order_id: str, key: str, sku: str) -> str:
    return f"{order_id}:{blake2b(f'{key}:{sku}'.encode(), digest_size=16).hexdigest()}"


def _with_reorder_point(level: Level, reorder_point: int) -> Policy:
    return Policy(
        reorder_point=reorder_point,
        backorder_limit=level.backorder_limit,
        safety_stock=level.safety_stock,
        releases_at=level.releases_at,
    )


def _at(standing: forecasts.Standing, warehouse_id: str) -> bool:
    return standing.plan.warehouse_id == warehouse_id


def _found(order: PurchaseOrder | None) -> PurchaseOrder:
    if order is None:
        raise NotFoundError("There is no such purchase order.", path=("id",))
    return order
