"""Reads of stock."""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.graphql import Connection, connection
from kernel.identity import require_service
from kernel.pagination import Page
from subgraphs.inventory.api.context import Info
from subgraphs.inventory.api.places import require_stock_reader
from subgraphs.inventory.api.types import (
    StockAllocation,
    StockLevel,
    StockMovement,
    StockReservation,
    Warehouse,
)
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.storage import promises, reading
from subgraphs.inventory.storage.reading import MovementFilter


@strawberry.input(description="Which levels are wanted; all conditions hold.")
class StockLevelWhere:
    """Which levels are wanted."""

    warehouse_id: strawberry.ID | None = None
    low: bool | None = strawberry.field(default=None, description="At the reorder point or below.")


@strawberry.input(description="Which movements are wanted; all conditions hold.")
class StockMovementWhere:
    """Which movements are wanted."""

    sku: str | None = None
    warehouse_id: strawberry.ID | None = None
    types: list[MovementType] | None = None
    reference: str | None = strawberry.field(default=None, description="The reservation, order or delivery.")
    since: datetime | None = None
    until: datetime | None = strawberry.field(default=None, description="Entries from this instant on are left out.")


@strawberry.type
class Query:
    """Reads of stock."""

    @strawberry.field(description="The warehouses, the preferred ones first; for staff.")
    async def warehouses(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Warehouse]:
        """List warehouses."""
        require_stock_reader(info.context.caller)
        database = info.context.service.database

        async def count() -> int:
            async with database.session() as session:
                return await reading.count_warehouses(session)

        async with database.session() as session:
            page = await reading.page_of_warehouses(session, Page(first=first, after=after))
        return connection(page.map(Warehouse.of), count=count)

    @strawberry.field(description="How SKUs stand in warehouses; for staff.")
    async def stock_levels(
        self, info: Info, first: int | None = None, after: str | None = None, where: StockLevelWhere | None = None
    ) -> Connection[StockLevel]:
        """List levels."""
        require_stock_reader(info.context.caller)
        wanted = where or StockLevelWhere()
        service = info.context.service
        async with service.database.session() as session:
            page = await reading.page_of_levels(
                session,
                Page(first=first, after=after),
                service.clock.now(),
                warehouse_id=wanted.warehouse_id,
                low=wanted.low,
            )
        return connection(page.map(StockLevel.of))

    @strawberry.field(description="The stock ledger, the newest entry first; for staff.")
    async def stock_movements(
        self, info: Info, first: int | None = None, after: str | None = None, where: StockMovementWhere | None = None
    ) -> Connection[StockMovement]:
        """List the ledger."""
        require_stock_reader(info.context.caller)
        wanted = where or StockMovementWhere()
        async with info.context.service.database.session() as session:
            page = await reading.page_of_movements(session, Page(first=first, after=after), _filter(wanted))
        return connection(page.map(StockMovement.of))

    @strawberry.federation.field(inaccessible=True, description="A reservation, to resume what was interrupted.")
    async def stock_reservation(self, info: Info, id: strawberry.ID) -> StockReservation | None:
        """Find a reservation."""
        require_service(info.context.caller)
        async with info.context.service.database.session() as session:
            found = await promises.get_reservation(session, id)
        return None if found is None else StockReservation.of(found)

    @strawberry.federation.field(inaccessible=True, description="What an order has of the stock.")
    async def stock_allocations(self, info: Info, order_id: strawberry.ID) -> list[StockAllocation]:
        """Find the allocations of an order."""
        require_service(info.context.caller)
        async with info.context.service.database.session() as session:
            return [StockAllocation.of(row) for row in await promises.get_allocations(session, order_id)]


def _filter(where: StockMovementWhere) -> MovementFilter:
    return MovementFilter(
        sku=where.sku,
        warehouse_id=where.warehouse_id,
        types=None if where.types is None else frozenset(where.types),
        reference=where.reference,
        since=where.since,
        until=where.until,
    )
