"""Reads of planning; all are for staff."""

from __future__ import annotations

import strawberry

from kernel.graphql import Connection, connection
from kernel.pagination import Page
from subgraphs.inventory.api.context import Info
from subgraphs.inventory.api.places import require_stock_staff
from subgraphs.inventory.api.planning_types import DemandForecast, PurchaseOrder, ReorderPlan, StockOverview
from subgraphs.inventory.domain.forecasting.series import Pattern
from subgraphs.inventory.domain.purchasing import PurchaseOrderState
from subgraphs.inventory.storage import forecasts, insight, purchasing


@strawberry.type
class PlanningQuery:
    """Reads of planning."""

    @strawberry.field(description="The whole stock in figures, or that of one warehouse; for staff.")
    async def stock_overview(self, info: Info, warehouse_id: strawberry.ID | None = None) -> StockOverview:
        """Sum the stock up."""
        require_stock_staff(info.context.caller)
        service = info.context.service
        async with service.database.session() as session:
            found = await insight.overview(session, service.clock.now(), warehouse_id)
        return StockOverview.of(found, warehouse_id)

    @strawberry.field(description="What is expected to be wanted, by SKU; for staff.")
    async def demand_forecasts(
        self, info: Info, first: int | None = None, after: str | None = None, pattern: Pattern | None = None
    ) -> Connection[DemandForecast]:
        """List forecasts."""
        require_stock_staff(info.context.caller)
        async with info.context.service.database.session() as session:
            page = await forecasts.page_of_forecasts(session, Page(first=first, after=after), pattern=pattern)
        return connection(page.map(DemandForecast.of))

    @strawberry.field(description="When SKUs are ordered; `due` keeps those that should be ordered now. For staff.")
    async def reorder_plans(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        warehouse_id: strawberry.ID | None = None,
        due: bool = True,
    ) -> Connection[ReorderPlan]:
        """List reorder plans."""
        require_stock_staff(info.context.caller)
        async with info.context.service.database.session() as session:
            page = await forecasts.page_of_plans(
                session, Page(first=first, after=after), warehouse_id=warehouse_id, due=due
            )
        return connection(page.map(ReorderPlan.of))

    @strawberry.field(description="Orders to suppliers, the newest first; for staff.")
    async def purchase_orders(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        warehouse_id: strawberry.ID | None = None,
        state: PurchaseOrderState | None = None,
    ) -> Connection[PurchaseOrder]:
        """List orders to suppliers."""
        require_stock_staff(info.context.caller)
        async with info.context.service.database.session() as session:
            page = await purchasing.page_of_orders(
                session, Page(first=first, after=after), warehouse_id=warehouse_id, state=state
            )
        return connection(page.map(PurchaseOrder.of))

    @strawberry.field(description="An order to a supplier; for staff.")
    async def purchase_order(self, info: Info, id: strawberry.ID) -> PurchaseOrder | None:
        """Find an order to a supplier."""
        require_stock_staff(info.context.caller)
        found = await info.context.loaders.purchase_order.load(id)
        return None if found is None else PurchaseOrder.of(found)
