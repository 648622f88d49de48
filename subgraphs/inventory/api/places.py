"""Warehouses as clients see them, and who may work with what is in them."""

from __future__ import annotations

from typing import Self

import strawberry

from kernel.errors import NotFoundError
from kernel.identity import Caller, require
from subgraphs.inventory.api.context import Info
from subgraphs.inventory.storage import reading


def require_stock_reader(caller: Caller) -> None:
    """Let pass who works here: the support tells buyers what there is."""
    if not caller.is_service:
        require(caller, kinds={"staff", "admin"})


def require_stock_staff(caller: Caller) -> None:
    """Let pass who works with stock."""
    if not caller.is_service:
        require(caller, roles={"staff", "warehouse"})


@strawberry.federation.type(keys=["id"], description="A place that holds stock.")
class Warehouse:
    """A place that holds stock."""

    id: strawberry.ID
    code: str
    name: str
    country: str = strawberry.field(description="ISO 3166-1 alpha-2.")
    priority: int = strawberry.field(description="A lower number is served from first.")
    active: bool = strawberry.field(description="Whether anything is promised from it.")

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """Find a warehouse by its key."""
        found = await info.context.loaders.warehouse.load(id)
        return None if found is None else cls.of(found)

    @classmethod
    def of(cls, warehouse: reading.Warehouse) -> Self:
        """Show a warehouse."""
        return cls(
            id=strawberry.ID(warehouse.id),
            code=warehouse.code,
            name=warehouse.name,
            country=warehouse.country,
            priority=warehouse.priority,
            active=warehouse.active,
        )


async def warehouse_of(info: Info, warehouse_id: str) -> Warehouse:
    """Load a warehouse that a row of ours names."""
    found = await info.context.loaders.warehouse.load(warehouse_id)
    if found is None:
        raise NotFoundError("There is no such warehouse.")
    return Warehouse.of(found)
