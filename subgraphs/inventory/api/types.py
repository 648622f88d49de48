"""Stock as clients see it: buyers learn what they can have, staff see how each warehouse stands."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

import strawberry

from kernel.errors import DomainError
from kernel.graphql import ErrorCode, UserError, user_errors
from subgraphs.inventory.api.context import Info
from subgraphs.inventory.api.places import Warehouse, require_stock_reader, warehouse_of
from subgraphs.inventory.api.planning_types import PlannedVariant
from subgraphs.inventory.domain import errors, reservations
from subgraphs.inventory.domain.availability import Availability
from subgraphs.inventory.domain.reservations import ReservationState
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.storage import reading
from subgraphs.inventory.storage.ledger import Standing

strawberry.enum(MovementType, name="StockMovementType", description="What can happen to stock.")
strawberry.enum(ReservationState, description="Where a reservation stands.")


@strawberry.type(description="What can be bought of all variants of a product together.")
class ProductAvailability:
    """What can be bought of a product."""

    in_stock: bool
    quantity_available: int


@strawberry.type(description="What can be promised of a SKU from one warehouse.")
class WarehouseAvailability:
    """What can be promised of a SKU from one warehouse."""

    warehouse_id: strawberry.Private[str]
    quantity_available: int

    @strawberry.field(description="Where it is.")
    async def warehouse(self, info: Info) -> Warehouse:
        """Give the warehouse."""
        return await warehouse_of(info, self.warehouse_id)


@strawberry.type(description="What can be bought of a variant.")
class VariantAvailability:
    """What can be bought of a variant."""

    sku: strawberry.Private[str]
    found: strawberry.Private[Availability]
    in_stock: bool
    quantity_available: int
    low_stock: bool = strawberry.field(description="Whether it will soon be sold out.")

    @strawberry.field(description="When more of it is expected, where that is known.")
    async def restock_on(self, info: Info) -> date | None:
        """Give the day of the next delivery."""
        coming = await info.context.loaders.incoming.load(self.sku)
        return next((each.expected_on for each in coming if each.expected_on is not None), None)

    @strawberry.field(description="What each warehouse that works can promise; for staff.")
    def warehouses(self, info: Info) -> list[WarehouseAvailability]:
        """Give the parts of the total."""
        require_stock_reader(info.context.caller)
        return [
            WarehouseAvailability(warehouse_id=warehouse_id, quantity_available=quantity)
            for warehouse_id, quantity in self.found.by_warehouse.items()
        ]

    @classmethod
    def of(cls, sku: str, found: Availability) -> Self:
        """Show what can be bought."""
        return cls(
            sku=sku,
            found=found,
            in_stock=found.in_stock,
            quantity_available=found.quantity,
            low_stock=found.low,
        )


@strawberry.type(description="How a SKU stands in one warehouse.")
class StockLevel:
    """How a SKU stands in one warehouse."""

    standing: strawberry.Private[Standing]
    sku: str
    on_hand: int = strawberry.field(description="How many lie in the warehouse.")
    reserved: int = strawberry.field(description="How many are held for checkouts now.")
    allocated: int = strawberry.field(description="How many belong to orders that are not shipped yet.")
    available: int = strawberry.field(description="How many can still be promised.")
    backorder_limit: int = strawberry.field(description="How many more than there are may be promised.")
    reorder_point: int
    safety_stock: int = strawberry.field(description="How many are never promised.")
    releases_at: datetime | None = strawberry.field(description="Until then back-orders are pre-orders.")
    version: int = strawberry.field(description="How many movements led here.")

    @strawberry.field(description="Where it is.")
    async def warehouse(self, info: Info) -> Warehouse:
        """Give the warehouse."""
        return await warehouse_of(info, self.standing.level.warehouse_id)

    @strawberry.field(description="The variant that the SKU names.")
    def variant(self) -> ProductVariant:
        """Name the variant."""
        return ProductVariant(sku=self.sku)

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """Show a level."""
        level = standing.level
        return cls(
            standing=standing,
            sku=level.sku,
            on_hand=level.on_hand,
            reserved=level.reserved,
            allocated=level.allocated,
            available=max(0, level.available),
            backorder_limit=level.backorder_limit,
            reorder_point=level.reorder_point,
            safety_stock=level.safety_stock,
            releases_at=level.releases_at,
            version=level.version,
        )


@strawberry.federation.type(keys=["id"], description="A product of the shop.")
class Product:
    """A product, as far as stock knows it."""

    id: strawberry.ID

    @strawberry.field(description="What can be bought of it now.")
    async def availability(self, info: Info) -> ProductAvailability:
        """Add up all of its variants."""
        found = await info.context.loaders.of_product.load(self.id) or Availability()
        return ProductAvailability(in_stock=found.in_stock, quantity_available=found.quantity)


@strawberry.federation.type(keys=["sku"], description="A variant of a product: what can be put into a cart.")
class ProductVariant(PlannedVariant):
    """A variant, as far as stock knows it."""

    @strawberry.field(description="What can be bought of it now.")
    async def availability(self, info: Info) -> VariantAvailability:
        """Add up all warehouses."""
        return VariantAvailability.of(self.sku, await info.context.loaders.of_sku.load(self.sku) or Availability())

    @strawberry.field(description="How it stands in each warehouse; for staff.")
    async def stock(self, info: Info) -> list[StockLevel]:
        """Give the levels of all warehouses."""
        require_stock_reader(info.context.caller)
        return [StockLevel.of(each) for each in await info.context.loaders.standings.load(self.sku)]


@strawberry.type(description="An entry of the stock ledger; entries are never changed.")
class StockMovement:
    """An entry of the stock ledger."""

    warehouse_id: strawberry.Private[str]
    id: strawberry.ID
    sku: str
    version: int = strawberry.field(description="Its number among the movements of this SKU in this warehouse.")
    type: MovementType
    quantity: int = strawberry.field(description="Only negative in an adjustment.")
    reference: str | None = strawberry.field(description="The reservation, order or delivery that caused it.")
    reason: str | None
    occurred_at: datetime

    @strawberry.field(description="Where it happened.")
    async def warehouse(self, info: Info) -> Warehouse:
        """Give the warehouse."""
        return await warehouse_of(info, self.warehouse_id)

    @classmethod
    def of(cls, entry: reading.LedgerEntry) -> Self:
        """Show an entry."""
        return cls(
            warehouse_id=entry.warehouse_id,
            id=strawberry.ID(str(entry.position)),
            sku=entry.sku,
            version=entry.version,
            type=entry.movement.type,
            quantity=entry.movement.quantity,
            reference=entry.movement.reference or None,
            reason=entry.movement.reason or None,
            occurred_at=entry.occurred_at,
        )


@strawberry.federation.type(inaccessible=True, description="A quantity that was taken from one warehouse.")
class StockPick:
    """A quantity that was taken from one warehouse."""

    sku: str
    warehouse_id: strawberry.ID
    quantity: int


@strawberry.federation.type(inaccessible=True, description="Stock that is held for a checkout.")
class StockReservation:
    """Stock that is held for a checkout."""

    id: strawberry.ID
    checkout_id: strawberry.ID
    state: ReservationState
    expires_at: datetime
    lines: list[StockPick]

    @classmethod
    def of(cls, reservation: reservations.Reservation) -> Self:
        """Show a reservation."""
        return cls(
            id=strawberry.ID(reservation.id),
            checkout_id=strawberry.ID(reservation.checkout_id),
            state=reservation.state,
            expires_at=reservation.expires_at,
            lines=[
                StockPick(sku=line.sku, warehouse_id=strawberry.ID(line.warehouse_id), quantity=line.quantity)
                for line in reservation.lines
            ],
        )


@strawberry.federation.type(inaccessible=True, description="Stock of one warehouse that belongs to an order.")
class StockAllocation:
    """Stock of one warehouse that belongs to an order."""

    sku: str
    warehouse_id: strawberry.ID
    quantity: int
    shipped: int
    released: int

    @classmethod
    def of(cls, allocation: reservations.Allocation) -> Self:
        """Show an allocation."""
        return cls(
            sku=allocation.sku,
            warehouse_id=strawberry.ID(allocation.warehouse_id),
            quantity=allocation.quantity,
            shipped=allocation.shipped,
            released=allocation.released,
        )


@strawberry.federation.type(shareable=True, description="There is less of a SKU than is wanted.")
class InsufficientStockError(UserError):
    """There is less of a SKU than is wanted."""

    sku: str
    requested: int
    available: int


def stock_errors(error: DomainError) -> list[UserError]:
    """Show what a command of stock refused; each short line on its own."""
    if not isinstance(error, errors.InsufficientStockError):
        return user_errors(error)
    return [
        InsufficientStockError(
            code=ErrorCode.INSUFFICIENT_STOCK,
            message=f"Only {short.available} of {short.sku} can be had.",
            path=list(error.path),
            sku=short.sku,
            requested=short.requested,
            available=short.available,
        )
        for short in error.shortages
    ]
