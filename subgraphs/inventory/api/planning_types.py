"""Planning as staff sees it: what will be wanted, what to order, what is on its way, what the stock is worth."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from kernel.graphql import Money
from subgraphs.inventory.api.context import Info
from subgraphs.inventory.api.places import Warehouse, require_stock_staff, warehouse_of
from subgraphs.inventory.domain import purchasing
from subgraphs.inventory.domain.forecasting.series import Pattern
from subgraphs.inventory.domain.purchasing import PurchaseOrderState
from subgraphs.inventory.storage import insight
from subgraphs.inventory.storage.forecasts import KeptForecast, Standing
from subgraphs.inventory.storage.purchasing import Incoming
from subgraphs.inventory.storage.watches import Watch

if TYPE_CHECKING:
    from subgraphs.inventory.api.types import ProductVariant

Variant = Annotated["ProductVariant", strawberry.lazy("subgraphs.inventory.api.types")]

strawberry.enum(Pattern, name="DemandPattern", description="The kinds of demand of Syntetos, Boylan and Croston.")
strawberry.enum(PurchaseOrderState, description="Where an order to a supplier stands.")


def variant_of(sku: str) -> ProductVariant:
    """Name the variant of a SKU."""
    from subgraphs.inventory.api.types import ProductVariant  # noqa: PLC0415 # the two modules show each other

    return ProductVariant(sku=sku)


@strawberry.type(description="What a week may bring; the quantiles hold it with 80 %.")
class ForecastWeek:
    """What a week may bring."""

    week: date = strawberry.field(description="Its Monday.")
    mean: float
    low: int = strawberry.field(description="The 10 % quantile.")
    median: int
    high: int = strawberry.field(description="The 90 % quantile.")


@strawberry.type(description="What is expected to be wanted of a SKU.")
class DemandForecast:
    """What is expected to be wanted of a SKU."""

    sku: str
    weeks: list[ForecastWeek]
    model: str
    pattern: Pattern
    mase: float | None = strawberry.field(
        description="Error of one week ahead within the last year, in units of the naive forecast's error."
    )
    made_at: datetime

    @strawberry.field(description="The variant that the SKU names.")
    def variant(self) -> Variant:
        """Name the variant."""
        return variant_of(self.sku)

    @classmethod
    def of(cls, kept: KeptForecast) -> Self:
        """Show a forecast."""
        forecast = kept.forecast
        spreads = [forecast.week(number) for number in range(len(forecast.means))]
        return cls(
            sku=forecast.sku,
            weeks=[
                ForecastWeek(
                    week=forecast.first + timedelta(weeks=number),
                    mean=round(spread.mean, 3),
                    low=spread.quantile(0.1),
                    median=spread.quantile(0.5),
                    high=spread.quantile(0.9),
                )
                for number, spread in enumerate(spreads)
            ],
            model=forecast.model,
            pattern=forecast.pattern,
            mase=forecast.mase,
            made_at=kept.made_at,
        )


@strawberry.type(description="When a SKU is ordered for a warehouse, up to how many, and what that means now.")
class ReorderPlan:
    """When a SKU is ordered for a warehouse, and what that means now."""

    warehouse_id: strawberry.Private[str]
    sku: str
    supplier: str | None
    reorder_point: int = strawberry.field(description="The demand of the lead time, at the service level.")
    order_up_to: int
    safety_stock: float = strawberry.field(description="The part of the reorder point that is not expected to be sold.")
    lead_time_demand: float
    lead_time_days: int
    service_level: float
    position: int = strawberry.field(description="On hand and on order, less what is promised.")
    incoming: int
    suggested_quantity: int = strawberry.field(description="How many to order now.")

    @strawberry.field(description="Where it is missing.")
    async def warehouse(self, info: Info) -> Warehouse:
        """Give the warehouse."""
        return await warehouse_of(info, self.warehouse_id)

    @strawberry.field(description="The variant that the SKU names.")
    def variant(self) -> Variant:
        """Name the variant."""
        return variant_of(self.sku)

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """Show a plan."""
        plan = standing.plan
        return cls(
            warehouse_id=plan.warehouse_id,
            sku=plan.sku,
            supplier=plan.supplier or None,
            reorder_point=plan.reorder_point,
            order_up_to=plan.order_up_to,
            safety_stock=round(plan.safety_stock, 3),
            lead_time_demand=round(plan.lead_time_demand, 3),
            lead_time_days=plan.lead_time_days,
            service_level=plan.service_level,
            position=standing.position,
            incoming=standing.incoming,
            suggested_quantity=plan.quantity(standing.position),
        )


@strawberry.type(description="Units of a SKU that are on their way to a warehouse.")
class IncomingStock:
    """Units of a SKU that are on their way to a warehouse."""

    warehouse_id: strawberry.Private[str]
    purchase_order_id: strawberry.ID
    quantity: int
    expected_on: date | None

    @strawberry.field(description="Where they will be.")
    async def warehouse(self, info: Info) -> Warehouse:
        """Give the warehouse."""
        return await warehouse_of(info, self.warehouse_id)

    @classmethod
    def of(cls, incoming: Incoming) -> Self:
        """Show what is on its way."""
        return cls(
            warehouse_id=incoming.warehouse_id,
            purchase_order_id=strawberry.ID(incoming.purchase_order_id),
            quantity=incoming.quantity,
            expected_on=incoming.expected_on,
        )


@strawberry.type
class PlannedVariant:
    """What planning knows of a variant."""

    sku: str

    @strawberry.field(description="What is expected to be wanted of it; for staff.")
    async def forecast(self, info: Info) -> DemandForecast | None:
        """Give its forecast."""
        require_stock_staff(info.context.caller)
        found = await info.context.loaders.forecast.load(self.sku)
        return None if found is None else DemandForecast.of(found)

    @strawberry.field(description="When it is ordered for each warehouse; for staff.")
    async def reorder_plans(self, info: Info) -> list[ReorderPlan]:
        """Give its reorder plans."""
        require_stock_staff(info.context.caller)
        return [ReorderPlan.of(each) for each in await info.context.loaders.plans.load(self.sku)]

    @strawberry.field(description="What of it is on its way, the soonest first; for staff.")
    async def incoming_stock(self, info: Info) -> list[IncomingStock]:
        """Give what is on its way."""
        require_stock_staff(info.context.caller)
        return [IncomingStock.of(each) for each in await info.context.loaders.incoming.load(self.sku)]


@strawberry.type(description="So many of a SKU on an order to a supplier.")
class PurchaseOrderLine:
    """So many of a SKU on an order to a supplier."""

    sku: str
    quantity: int
    received: int
    missing: int

    @strawberry.field(description="The variant that the SKU names.")
    def variant(self) -> Variant:
        """Name the variant."""
        return variant_of(self.sku)

    @classmethod
    def of(cls, line: purchasing.PurchaseLine) -> Self:
        """Show a line."""
        return cls(sku=line.sku, quantity=line.quantity, received=line.received, missing=line.missing)


@strawberry.federation.type(keys=["id"], description="An order to a supplier.")
class PurchaseOrder:
    """An order to a supplier."""

    warehouse_id: strawberry.Private[str]
    id: strawberry.ID
    supplier: str | None
    state: PurchaseOrderState
    expected_on: date | None
    created_at: datetime
    ordered_at: datetime | None
    closed_at: datetime | None
    lines: list[PurchaseOrderLine]

    @strawberry.field(description="Where it is delivered.")
    async def warehouse(self, info: Info) -> Warehouse:
        """Give the warehouse."""
        return await warehouse_of(info, self.warehouse_id)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """Find an order by its key; for staff."""
        require_stock_staff(info.context.caller)
        found = await info.context.loaders.purchase_order.load(id)
        return None if found is None else cls.of(found)

    @classmethod
    def of(cls, order: purchasing.PurchaseOrder) -> Self:
        """Show an order."""
        return cls(
            warehouse_id=order.warehouse_id,
            id=strawberry.ID(order.id),
            supplier=order.supplier or None,
            state=order.state,
            expected_on=order.expected_on,
            created_at=order.created_at,
            ordered_at=order.ordered_at,
            closed_at=order.closed_at,
            lines=[PurchaseOrderLine.of(line) for line in order.lines],
        )


@strawberry.type(description="Stock that has lain for as long.")
class StockAge:
    """Stock that has lain for as long."""

    since_days: int
    until_days: int | None = strawberry.field(description="Stock of this age is in the next class; the last has none.")
    quantity: int
    value: list[Money]

    @classmethod
    def of(cls, age: insight.Age) -> Self:
        """Show a class of age."""
        return cls(
            since_days=age.since, until_days=age.until, quantity=age.quantity, value=[Money.of(v) for v in age.value]
        )


@strawberry.type(description="The whole stock in figures; levels are SKUs in warehouses.")
class StockOverview:
    """The whole stock in figures."""

    warehouse_id: strawberry.Private[str | None]
    levels: int
    on_hand: int
    reserved: int
    allocated: int
    low: int
    sold_out: int
    incoming: int
    value: list[Money] = strawberry.field(description="What the stock cost to buy, by currency.")
    uncosted: int = strawberry.field(description="Units of which nobody said what they cost.")

    @strawberry.field(description="How long the stock has lain, as if what came first had gone first.")
    async def ages(self, info: Info) -> list[StockAge]:
        """Class the stock by age."""
        service = info.context.service
        async with service.database.session() as session:
            found = await insight.ages(session, service.clock.now(), self.warehouse_id)
        return [StockAge.of(each) for each in found]

    @classmethod
    def of(cls, found: insight.Overview, warehouse_id: str | None) -> Self:
        """Show the figures."""
        return cls(
            warehouse_id=warehouse_id,
            levels=found.levels,
            on_hand=found.on_hand,
            reserved=found.reserved,
            allocated=found.allocated,
            low=found.low,
            sold_out=found.sold_out,
            incoming=found.incoming,
            value=[Money.of(each) for each in found.value],
            uncosted=found.uncosted,
        )


@strawberry.type(description="A wish to hear when a SKU can be bought again.")
class StockWatch:
    """A wish to hear when a SKU can be bought again."""

    id: strawberry.ID | None = strawberry.field(
        description="Whoever has it can take the wish back; none when the address waits already, for somebody else."
    )
    sku: str
    email: str

    @classmethod
    def of(cls, watch: Watch, *, own: bool) -> Self:
        """Show a wish; its id only to whom it is."""
        return cls(id=strawberry.ID(watch.id) if own else None, sku=watch.sku, email=watch.email)
