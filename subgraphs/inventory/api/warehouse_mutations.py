"""Changes of what stock is kept in and sold as: warehouses and bundles, for staff and administrators."""

from __future__ import annotations

import strawberry

from kernel.errors import DomainError
from kernel.graphql import UserError
from kernel.identity import require
from subgraphs.inventory.api.context import Info
from subgraphs.inventory.api.places import Warehouse, require_stock_staff
from subgraphs.inventory.api.types import ProductVariant, stock_errors
from subgraphs.inventory.domain.moving import check_reason
from subgraphs.inventory.service.bundles import set_bundle
from subgraphs.inventory.service.warehouses import create_warehouse, update_warehouse


@strawberry.input(description="A part of a bundle.")
class BundlePartInput:
    """A part of a bundle."""

    sku: str
    quantity: int = 1


@strawberry.type(description="A bundle after a change.")
class BundleSetPayload:
    """A bundle after a change."""

    variant: ProductVariant | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What came of serving a warehouse's promises from elsewhere.")
class WarehouseMoveOutPayload:
    """What came of serving a warehouse's promises from elsewhere."""

    moved: int | None = strawberry.field(default=None, description="Units that other warehouses took over.")
    remaining: int | None = strawberry.field(default=None, description="Units that no other warehouse has.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="A new warehouse.")
class WarehouseCreateInput:
    """A new warehouse."""

    code: str
    name: str
    country: str
    priority: int = 0
    postal_code: str = ""
    parcel_cost: int = strawberry.field(default=0, description="What sending a parcel costs, in minor units.")


@strawberry.input(description="What changes about a warehouse; what is left out stays.")
class WarehouseUpdateInput:
    """What changes about a warehouse."""

    name: str | None = None
    priority: int | None = None
    active: bool | None = None
    postal_code: str | None = None
    parcel_cost: int | None = None


@strawberry.type(description="A warehouse after a change.")
class WarehousePayload:
    """A warehouse after a change."""

    warehouse: Warehouse | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class WarehouseMutation:
    """Changes of warehouses and bundles."""

    @strawberry.mutation(description="Say what a bundle is put together from; nothing makes it a SKU of its own.")
    async def bundle_set(self, info: Info, sku: str, parts: list[BundlePartInput]) -> BundleSetPayload:
        """Set the parts of a bundle; for staff."""
        require_stock_staff(info.context.caller)
        try:
            await set_bundle(info.context.service.database, sku, [(part.sku, part.quantity) for part in parts])
        except DomainError as error:
            return BundleSetPayload(errors=stock_errors(error))
        return BundleSetPayload(variant=ProductVariant(sku=sku))

    @strawberry.mutation(description="Open a warehouse; for administrators.")
    async def warehouse_create(self, info: Info, input: WarehouseCreateInput) -> WarehousePayload:
        """Open a warehouse."""
        require(info.context.caller, kinds={"admin"})
        try:
            warehouse = await create_warehouse(
                info.context.service.database,
                input.code,
                input.name,
                input.country,
                input.priority,
                postal_code=input.postal_code,
                parcel_cost=input.parcel_cost,
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
                info.context.service.database,
                id,
                name=input.name,
                priority=input.priority,
                active=input.active,
                postal_code=input.postal_code,
                parcel_cost=input.parcel_cost,
                now=info.context.service.clock.now(),
            )
        except DomainError as error:
            return WarehousePayload(errors=stock_errors(error))
        return WarehousePayload(warehouse=Warehouse.of(warehouse))

    @strawberry.mutation(description="Serve what is promised from a warehouse from others, as far as they can.")
    async def warehouse_move_out(self, info: Info, id: strawberry.ID, reason: str) -> WarehouseMoveOutPayload:
        """Move the promises of a failing warehouse; for staff."""
        require_stock_staff(info.context.caller)
        try:
            moved, total = await info.context.service.move_out(id, reason=check_reason(reason))
        except DomainError as error:
            return WarehouseMoveOutPayload(errors=stock_errors(error))
        return WarehouseMoveOutPayload(moved=moved, remaining=total - moved)
