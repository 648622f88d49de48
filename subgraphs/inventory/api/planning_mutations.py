"""Changes of planning: how a SKU is bought, orders to suppliers, and who waits for what is sold out."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import date

import strawberry

from kernel.errors import DomainError, InvalidInputError
from kernel.graphql import MoneyInput, UserError, user_errors
from subgraphs.inventory.api.context import Info
from subgraphs.inventory.api.places import require_stock_staff
from subgraphs.inventory.api.planning_types import PurchaseOrder, ReorderPlan, StockWatch
from subgraphs.inventory.api.types import StockLevel
from subgraphs.inventory.domain import purchasing
from subgraphs.inventory.domain.replenishment import Terms


@strawberry.input(description="So many of a SKU, ordered or arrived.")
class PurchaseLineInput:
    """So many of a SKU, ordered or arrived."""

    sku: str
    quantity: int


@strawberry.input(description="A new order to a supplier.")
class PurchaseOrderCreateInput:
    """A new order to a supplier."""

    warehouse_id: strawberry.ID
    lines: list[PurchaseLineInput]
    supplier: str = ""
    expected_on: date | None = None


@strawberry.input(description="How a SKU is bought.")
class SupplyTermsSetInput:
    """How a SKU is bought."""

    sku: str
    lead_time_days: int = strawberry.field(description="From the order to the delivery.")
    cycle_days: int = strawberry.field(description="For how long an order should last.")
    service_level: float = strawberry.field(description="The chance to get through a lead time without running out.")
    pack_size: int = strawberry.field(default=1, description="Only multiples of it can be ordered.")
    least_quantity: int = strawberry.field(default=1, description="No fewer can be ordered.")
    supplier: str = ""


@strawberry.type(description="An order to a supplier after a change.")
class PurchaseOrderPayload:
    """An order to a supplier after a change."""

    purchase_order: PurchaseOrder | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="Drafts of what should be ordered now, one for each supplier.")
class PurchaseOrdersSuggestPayload:
    """Drafts of what should be ordered now."""

    purchase_orders: list[PurchaseOrder] | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="When a SKU is ordered for each warehouse, after a change of its terms.")
class SupplyTermsSetPayload:
    """When a SKU is ordered for each warehouse."""

    reorder_plans: list[ReorderPlan] | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="The levels that go by their planned reorder points now.")
class ReorderPointsAdoptPayload:
    """The levels that go by their planned reorder points now."""

    stock_levels: list[StockLevel] | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What came of saying what a unit costs.")
class StockCostSetPayload:
    """What came of saying what a unit costs."""

    sku: str | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What came of a wish to hear when a SKU is back.")
class StockWatchPayload:
    """What came of a wish to hear when a SKU is back."""

    stock_watch: StockWatch | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What came of taking a wish back.")
class StockWatchRemovePayload:
    """What came of taking a wish back."""

    removed_id: strawberry.ID | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class PlanningMutation:
    """Changes of planning."""

    @strawberry.mutation(description="Draft an order to a supplier; for staff.")
    async def purchase_order_create(self, info: Info, input: PurchaseOrderCreateInput) -> PurchaseOrderPayload:
        """Draft an order to a supplier."""
        require_stock_staff(info.context.caller)
        try:
            order = await info.context.planning.purchasing.draft(
                input.warehouse_id,
                _quantities(input.lines),
                supplier=input.supplier.strip(),
                expected_on=input.expected_on,
            )
        except DomainError as error:
            return PurchaseOrderPayload(errors=user_errors(error))
        return PurchaseOrderPayload(purchase_order=PurchaseOrder.of(order))

    @strawberry.mutation(description="Draft what a warehouse should order now, one order a supplier; for staff.")
    async def purchase_orders_suggest(self, info: Info, warehouse_id: strawberry.ID) -> PurchaseOrdersSuggestPayload:
        """Draft what should be ordered now."""
        require_stock_staff(info.context.caller)
        try:
            orders = await info.context.planning.purchasing.draft_suggested(warehouse_id)
        except DomainError as error:
            return PurchaseOrdersSuggestPayload(errors=user_errors(error))
        return PurchaseOrdersSuggestPayload(purchase_orders=[PurchaseOrder.of(order) for order in orders])

    @strawberry.mutation(description="Note that a draft was sent; it is incoming stock from now on. For staff.")
    async def purchase_order_place(
        self, info: Info, id: strawberry.ID, expected_on: date | None = None
    ) -> PurchaseOrderPayload:
        """Place an order."""
        require_stock_staff(info.context.caller)
        return await _changed(info.context.planning.purchasing.place(id, expected_on))

    @strawberry.mutation(description="Put on the shelf what arrived of an order; for staff.")
    async def purchase_order_receive(
        self, info: Info, id: strawberry.ID, lines: list[PurchaseLineInput], idempotency_key: str
    ) -> PurchaseOrderPayload:
        """Receive goods, once for each key."""
        require_stock_staff(info.context.caller)
        try:
            quantities = _quantities(lines)
        except DomainError as error:
            return PurchaseOrderPayload(errors=user_errors(error))
        return await _changed(info.context.planning.purchasing.receive(id, quantities, idempotency_key))

    @strawberry.mutation(description="Give up what has not arrived of an order; for staff.")
    async def purchase_order_cancel(self, info: Info, id: strawberry.ID) -> PurchaseOrderPayload:
        """Cancel an order."""
        require_stock_staff(info.context.caller)
        return await _changed(info.context.planning.purchasing.cancel(id))

    @strawberry.mutation(description="Say how a SKU is bought, and plan it anew; for staff.")
    async def supply_terms_set(self, info: Info, input: SupplyTermsSetInput) -> SupplyTermsSetPayload:
        """Say how a SKU is bought."""
        require_stock_staff(info.context.caller)
        try:
            terms = Terms(
                lead_time_days=input.lead_time_days,
                cycle_days=input.cycle_days,
                service_level=input.service_level,
                pack_size=input.pack_size,
                least_quantity=input.least_quantity,
                supplier=input.supplier.strip(),
            )
            await info.context.planning.forecasting.set_terms(input.sku, terms)
        except DomainError as error:
            return SupplyTermsSetPayload(errors=user_errors(error))
        plans = await info.context.loaders.plans.load(input.sku)
        return SupplyTermsSetPayload(reorder_plans=[ReorderPlan.of(each) for each in plans])

    @strawberry.mutation(description="Let levels be low from their planned reorder points on; for staff.")
    async def reorder_points_adopt(
        self, info: Info, warehouse_id: strawberry.ID, skus: list[str]
    ) -> ReorderPointsAdoptPayload:
        """Adopt planned reorder points."""
        require_stock_staff(info.context.caller)
        try:
            standings = await info.context.planning.purchasing.adopt_reorder_points(warehouse_id, skus)
        except DomainError as error:
            return ReorderPointsAdoptPayload(errors=user_errors(error))
        return ReorderPointsAdoptPayload(stock_levels=[StockLevel.of(each) for each in standings])

    @strawberry.mutation(description="Say what a unit of a SKU costs to buy; for staff.")
    async def stock_cost_set(self, info: Info, sku: str, cost: MoneyInput) -> StockCostSetPayload:
        """Say what a unit costs."""
        require_stock_staff(info.context.caller)
        try:
            await info.context.planning.purchasing.set_cost(sku, cost.to_domain("cost"))
        except DomainError as error:
            return StockCostSetPayload(errors=user_errors(error))
        return StockCostSetPayload(sku=sku)

    @strawberry.mutation(description="Be told when a SKU can be bought again; without an address, at the caller's own.")
    async def stock_watch_create(self, info: Info, sku: str, email: str | None = None) -> StockWatchPayload:
        """Wait for a SKU."""
        caller = info.context.caller
        try:
            watch, new = await info.context.planning.watches.subscribe(sku, email or caller.email or "", caller.id)
        except DomainError as error:
            return StockWatchPayload(errors=user_errors(error))
        own = new or (caller.id is not None and watch.user_id == caller.id)
        return StockWatchPayload(stock_watch=StockWatch.of(watch, own=own))

    @strawberry.mutation(description="Wait no longer; the id is known only to who got it.")
    async def stock_watch_remove(self, info: Info, id: strawberry.ID) -> StockWatchRemovePayload:
        """Take a wish back."""
        try:
            await info.context.planning.watches.unsubscribe(id)
        except DomainError as error:
            return StockWatchRemovePayload(errors=user_errors(error))
        return StockWatchRemovePayload(removed_id=id)


async def _changed(change: Awaitable[purchasing.PurchaseOrder]) -> PurchaseOrderPayload:
    try:
        return PurchaseOrderPayload(purchase_order=PurchaseOrder.of(await change))
    except DomainError as error:
        return PurchaseOrderPayload(errors=user_errors(error))


def _quantities(lines: Sequence[PurchaseLineInput]) -> dict[str, int]:
    quantities = {line.sku: line.quantity for line in lines}
    if len(quantities) < len(lines):
        raise InvalidInputError("A SKU stands in one line only.", path=("lines", "sku"))
    return quantities
