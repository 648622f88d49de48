"""Changes of stock: promises for our own services, movements for the staff of warehouses."""

from __future__ import annotations

from collections.abc import Awaitable

import strawberry

from kernel.errors import DomainError
from kernel.graphql import UserError
from kernel.identity import require, require_service
from subgraphs.inventory.api.context import Info
from subgraphs.inventory.api.types import (
    StockAllocation,
    StockLevel,
    StockReservation,
    Warehouse,
    require_stock_staff,
    stock_errors,
)
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.service.warehouses import create_warehouse, update_warehouse
from subgraphs.inventory.storage.ledger import Standing


@strawberry.federation.input(inaccessible=True, description="A wanted quantity of a SKU.")
class StockLineInput:
    """A wanted quantity of a SKU."""

    sku: str
    quantity: int


@strawberry.federation.input(inaccessible=True, description="What to hold, for whom and for how long.")
class StockReserveInput:
    """What to hold, for whom and for how long."""

    checkout_id: strawberry.ID
    lines: list[StockLineInput]
    ttl_seconds: int = 900


@strawberry.federation.type(inaccessible=True, description="What came of a wish to hold stock.")
class StockReservePayload:
    """What came of a wish to hold stock."""

    reservation: StockReservation | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.federation.type(inaccessible=True, description="What came of giving a reservation back.")
class ReservationReleasePayload:
    """What came of giving a reservation back."""

    reservation: StockReservation | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.federation.type(inaccessible=True, description="What an order has of the stock now.")
class StockAllocatePayload:
    """What an order has of the stock now."""

    allocations: list[StockAllocation] | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.federation.type(inaccessible=True, description="What an order has of the stock now.")
class AllocationReleasePayload:
    """What an order has of the stock now."""

    allocations: list[StockAllocation] | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Goods that were delivered to a warehouse.")
class StockReceiveInput:
    """Goods that were delivered to a warehouse."""

    sku: str
    warehouse_id: strawberry.ID
    quantity: int
    reference: str = strawberry.field(default="", description="The delivery, as on its papers.")


@strawberry.input(description="A correction of how many there are.")
class StockAdjustInput:
    """A correction of how many there are."""

    sku: str
    warehouse_id: strawberry.ID
    delta: int = strawberry.field(description="How many more, or fewer if negative.")
    reason: str


@strawberry.input(description="When a SKU is reordered in a warehouse and how far it may be oversold.")
class StockPolicySetInput:
    """When a SKU is reordered in a warehouse and how far it may be oversold."""

    sku: str
    warehouse_id: strawberry.ID
    reorder_point: int = 0
    backorder_limit: int = 0


@strawberry.type(description="How a SKU stands in a warehouse after a change.")
class StockChangePayload:
    """How a SKU stands in a warehouse after a change."""

    stock_level: StockLevel | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="A new warehouse.")
class WarehouseCreateInput:
    """A new warehouse."""

    code: str
    name: str
    country: str
    priority: int = 0


@strawberry.input(description="What changes about a warehouse; what is left out stays.")
class WarehouseUpdateInput:
    """What changes about a warehouse."""

    name: str | None = None
    priority: int | None = None
    active: bool | None = None


@strawberry.type(description="A warehouse after a change.")
class WarehousePayload:
    """A warehouse after a change."""

    warehouse: Warehouse | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class Mutation:
    """Changes of stock."""

    @strawberry.federation.mutation(inaccessible=True, description="Hold stock for a checkout: all lines or none.")
    async def stock_reserve(self, info: Info, input: StockReserveInput, idempotency_key: str) -> StockReservePayload:
        """Hold stock, once for each key."""
        require_service(info.context.caller)
        wishes = [Wish(line.sku, line.quantity) for line in input.lines]
        try:
            reservation = await info.context.service.reserve(
                input.checkout_id, wishes, input.ttl_seconds, idempotency_key
            )
        except DomainError as error:
            return StockReservePayload(errors=stock_errors(error))
        return StockReservePayload(reservation=StockReservation.of(reservation))

    @strawberry.federation.mutation(inaccessible=True, description="Give back what a reservation still holds.")
    async def reservation_release(
        self, info: Info, id: strawberry.ID, reason: str, idempotency_key: str
    ) -> ReservationReleasePayload:
        """Give a reservation back, once for each key."""
        require_service(info.context.caller)
        try:
            reservation = await info.context.service.release(id, reason, idempotency_key)
        except DomainError as error:
            return ReservationReleasePayload(errors=stock_errors(error))
        return ReservationReleasePayload(reservation=StockReservation.of(reservation))

    @strawberry.federation.mutation(inaccessible=True, description="Give reserved stock to an order.")
    async def stock_allocate(
        self, info: Info, reservation_id: strawberry.ID, order_id: strawberry.ID, idempotency_key: str
    ) -> StockAllocatePayload:
        """Give reserved stock to an order, once for each key."""
        require_service(info.context.caller)
        try:
            rows = await info.context.service.allocate(reservation_id, order_id, idempotency_key)
        except DomainError as error:
            return StockAllocatePayload(errors=stock_errors(error))
        return StockAllocatePayload(allocations=[StockAllocation.of(row) for row in rows])

    @strawberry.federation.mutation(inaccessible=True, description="Give back what an order has not shipped.")
    async def allocation_release(
        self, info: Info, order_id: strawberry.ID, reason: str, idempotency_key: str
    ) -> AllocationReleasePayload:
        """Give back what an order has not shipped, once for each key."""
        require_service(info.context.caller)
        try:
            rows = await info.context.service.release_allocation(order_id, reason, idempotency_key)
        except DomainError as error:
            return AllocationReleasePayload(errors=stock_errors(error))
        return AllocationReleasePayload(allocations=[StockAllocation.of(row) for row in rows])

    @strawberry.mutation(description="Add delivered goods; for staff.")
    async def stock_receive(self, info: Info, input: StockReceiveInput, idempotency_key: str) -> StockChangePayload:
        """Add delivered goods, once for each key."""
        require_stock_staff(info.context.caller)
        return await _changed(
            info.context.service.receive(
                input.sku, input.warehouse_id, input.quantity, reference=input.reference, key=idempotency_key
            )
        )

    @strawberry.mutation(description="Correct how many there are; for staff.")
    async def stock_adjust(self, info: Info, input: StockAdjustInput, idempotency_key: str) -> StockChangePayload:
        """Correct how many there are, once for each key."""
        require_stock_staff(info.context.caller)
        return await _changed(
            info.context.service.adjust(
                input.sku, input.warehouse_id, input.delta, reason=input.reason, key=idempotency_key
            )
        )

    @strawberry.mutation(description="Say when a SKU is reordered and how far it may be oversold; for staff.")
    async def stock_policy_set(self, info: Info, input: StockPolicySetInput) -> StockChangePayload:
        """Set the policy of a SKU in a warehouse."""
        require_stock_staff(info.context.caller)
        return await _changed(
            info.context.service.set_policy(
                input.sku,
                input.warehouse_id,
                reorder_point=input.reorder_point,
                backorder_limit=input.backorder_limit,
            )
        )

    @strawberry.mutation(description="Open a warehouse; for administrators.")
    async def warehouse_create(self, info: Info, input: WarehouseCreateInput) -> WarehousePayload:
        """Open a warehouse."""
        require(info.context.caller, kinds={"admin"})
        try:
            warehouse = await create_warehouse(
                info.context.service.database, input.code, input.name, input.country, input.priority
            )
        except DomainError as error:
            return WarehousePayload(errors=stock_errors(error))
        return WarehousePayload(warehouse=Warehouse.of(warehouse))

    @strawberry.mutation(description="Change a warehouse; nothing new is promised from one that is not active.")
    async def warehouse_update(self, info: Info, id: strawberry.ID, input: WarehouseUpdateInput) -> WarehousePayload:
        """Change a warehouse."""
        require(info.context.caller, kinds={"admin"})
        try:
            warehouse = await update_warehouse(
                info.context.service.database, id, name=input.name, priority=input.priority, active=input.active
            )
        except DomainError as error:
            return WarehousePayload(errors=stock_errors(error))
        return WarehousePayload(warehouse=Warehouse.of(warehouse))


async def _changed(change: Awaitable[Standing]) -> StockChangePayload:
    try:
        return StockChangePayload(stock_level=StockLevel.of(await change))
    except DomainError as error:
        return StockChangePayload(errors=stock_errors(error))
