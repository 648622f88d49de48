"""Changes of stock: promises for our own services, movements for the staff of warehouses."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime

import strawberry

from kernel.errors import DomainError
from kernel.graphql import UserError
from kernel.identity import require_service
from subgraphs.inventory.api.context import Info
from subgraphs.inventory.api.places import require_stock_staff
from subgraphs.inventory.api.types import (
    StockAllocation,
    StockLevel,
    StockReservation,
    stock_errors,
)
from subgraphs.inventory.domain.places import Destination
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.domain.stock import Policy
from subgraphs.inventory.storage.ledger import Standing


@strawberry.federation.input(inaccessible=True, description="A wanted quantity of a SKU.")
class StockLineInput:
    """A wanted quantity of a SKU."""

    sku: str
    quantity: int


@strawberry.federation.input(inaccessible=True, description="Where goods are to go, so that they come from nearby.")
class StockDestinationInput:
    """Where goods are to go."""

    country: str = strawberry.field(description="ISO 3166-1 alpha-2.")
    postal_code: str = ""


@strawberry.federation.input(inaccessible=True, description="What to hold, for whom and for how long.")
class StockReserveInput:
    """What to hold, for whom and for how long."""

    checkout_id: strawberry.ID
    lines: list[StockLineInput]
    ttl_seconds: int = 900
    destination: StockDestinationInput | None = None


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


@strawberry.federation.type(inaccessible=True, description="What a changed order has of the stock now.")
class AllocationChangePayload:
    """What a changed order has of the stock now."""

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


@strawberry.input(description="How many of a SKU were counted in a warehouse.")
class StockCountInput:
    """How many of a SKU were counted in a warehouse."""

    sku: str
    warehouse_id: strawberry.ID
    counted: int
    reason: str = "Stocktake"


@strawberry.input(description="Goods that go from one warehouse to another.")
class StockTransferInput:
    """Goods that go from one warehouse to another."""

    sku: str
    from_warehouse_id: strawberry.ID
    to_warehouse_id: strawberry.ID
    quantity: int
    reference: str = ""
    reason: str = ""


@strawberry.input(description="Goods that a buyer sent back.")
class StockReturnInput:
    """Goods that a buyer sent back."""

    order_id: strawberry.ID
    sku: str
    quantity: int
    warehouse_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where they came to; by default where they were sent from."
    )
    sellable: bool = strawberry.field(default=True, description="Whether they can be sold again.")
    reason: str = ""


@strawberry.input(description="How a SKU is sold from a warehouse and when it is reordered.")
class StockPolicySetInput:
    """How a SKU is sold from a warehouse and when it is reordered."""

    sku: str
    warehouse_id: strawberry.ID
    reorder_point: int = 0
    backorder_limit: int = strawberry.field(default=0, description="How many more than there are may be promised.")
    safety_stock: int = strawberry.field(default=0, description="How many are never promised.")
    releases_at: datetime | None = strawberry.field(
        default=None, description="Until then back-orders are pre-orders, and nothing is shipped."
    )


@strawberry.type(description="How a SKU stands in a warehouse after a change.")
class StockChangePayload:
    """How a SKU stands in a warehouse after a change."""

    stock_level: StockLevel | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="How a SKU stands in both warehouses after a transfer.")
class StockTransferPayload:
    """How a SKU stands in both warehouses after a transfer."""

    source: StockLevel | None = None
    target: StockLevel | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What came of goods that were sent back.")
class StockReturnPayload:
    """What came of goods that were sent back."""

    returned: int | None = strawberry.field(default=None, description="How many of the order have come back so far.")
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
                input.checkout_id,
                wishes,
                input.ttl_seconds,
                idempotency_key,
                destination=_destination(input.destination),
            )
        except DomainError as error:
            return StockReservePayload(errors=stock_errors(error))
        return StockReservePayload(reservation=StockReservation.of(reservation))

    @strawberry.federation.mutation(inaccessible=True, description="Hold a reservation for longer.")
    async def reservation_extend(
        self, info: Info, id: strawberry.ID, ttl_seconds: int, idempotency_key: str
    ) -> StockReservePayload:
        """Hold a reservation for so long from now, once for each key."""
        require_service(info.context.caller)
        try:
            reservation = await info.context.service.extend(id, ttl_seconds, idempotency_key)
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
        self,
        info: Info,
        reservation_id: strawberry.ID,
        order_id: strawberry.ID,
        idempotency_key: str,
        destination: StockDestinationInput | None = None,
    ) -> StockAllocatePayload:
        """Give reserved stock to an order, once for each key; an address chooses its warehouses anew."""
        require_service(info.context.caller)
        try:
            rows = await info.context.service.allocate(
                reservation_id, order_id, idempotency_key, destination=_destination(destination)
            )
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

    @strawberry.federation.mutation(inaccessible=True, description="Let a changed order have just these goods.")
    async def allocation_change(
        self,
        info: Info,
        order_id: strawberry.ID,
        lines: list[StockLineInput],
        idempotency_key: str,
        destination: StockDestinationInput | None = None,
    ) -> AllocationChangePayload:
        """Allocate what is missing and give back what is too much, once for each key."""
        require_service(info.context.caller)
        wishes = [Wish(line.sku, line.quantity) for line in lines]
        try:
            rows = await info.context.service.reallocate(
                order_id, wishes, idempotency_key, destination=_destination(destination)
            )
        except DomainError as error:
            return AllocationChangePayload(errors=stock_errors(error))
        return AllocationChangePayload(allocations=[StockAllocation.of(row) for row in rows])

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

    @strawberry.mutation(description="Write down how many were counted; for staff.")
    async def stock_count(self, info: Info, input: StockCountInput, idempotency_key: str) -> StockChangePayload:
        """Write a count down, once for each key."""
        require_stock_staff(info.context.caller)
        return await _changed(
            info.context.service.count(
                input.sku, input.warehouse_id, input.counted, reason=input.reason, key=idempotency_key
            )
        )

    @strawberry.mutation(description="Take goods from one warehouse to another; for staff.")
    async def stock_transfer(self, info: Info, input: StockTransferInput, idempotency_key: str) -> StockTransferPayload:
        """Transfer goods, once for each key."""
        require_stock_staff(info.context.caller)
        try:
            source, target = await info.context.service.transfer(
                input.sku,
                input.quantity,
                source=input.from_warehouse_id,
                target=input.to_warehouse_id,
                reference=input.reference,
                reason=input.reason,
                key=idempotency_key,
            )
        except DomainError as error:
            return StockTransferPayload(errors=stock_errors(error))
        return StockTransferPayload(source=StockLevel.of(source), target=StockLevel.of(target))

    @strawberry.mutation(description="Take goods back that a buyer sent; for staff.")
    async def stock_return(self, info: Info, input: StockReturnInput, idempotency_key: str) -> StockReturnPayload:
        """Take goods back, once for each key."""
        require_stock_staff(info.context.caller)
        try:
            rows = await info.context.service.take_back(
                input.order_id,
                input.sku,
                input.quantity,
                warehouse_id=input.warehouse_id,
                sellable=input.sellable,
                reason=input.reason,
                key=idempotency_key,
            )
        except DomainError as error:
            return StockReturnPayload(errors=stock_errors(error))
        return StockReturnPayload(returned=sum(row.returned for row in rows if row.sku == input.sku))

    @strawberry.mutation(description="Say how a SKU is sold from a warehouse and when it is reordered; for staff.")
    async def stock_policy_set(self, info: Info, input: StockPolicySetInput) -> StockChangePayload:
        """Set the policy of a SKU in a warehouse."""
        require_stock_staff(info.context.caller)
        try:
            policy = Policy(
                reorder_point=input.reorder_point,
                backorder_limit=input.backorder_limit,
                safety_stock=input.safety_stock,
                releases_at=input.releases_at,
            )
        except DomainError as error:
            return StockChangePayload(errors=stock_errors(error))
        return await _changed(info.context.service.set_policy(input.sku, input.warehouse_id, policy))


def _destination(given: StockDestinationInput | None) -> Destination | None:
    return None if given is None else Destination(given.country, given.postal_code)


async def _changed(change: Awaitable[Standing]) -> StockChangePayload:
    try:
        return StockChangePayload(stock_level=StockLevel.of(await change))
    except DomainError as error:
        return StockChangePayload(errors=stock_errors(error))
