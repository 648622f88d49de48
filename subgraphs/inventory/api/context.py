"""What stock resolvers lean on during a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import strawberry
from aiodataloader import DataLoader

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.loaders import by_key, lists_by_key
from subgraphs.inventory.domain.availability import Availability
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.planning import Planning
from subgraphs.inventory.storage import reading
from subgraphs.inventory.storage.ledger import Standing
from subgraphs.inventory.storage.reading import Warehouse


@dataclass(frozen=True, slots=True)
class InventoryLoaders:
    """What is fetched for many at once."""

    standings: DataLoader[str, Sequence[Standing]]
    of_sku: DataLoader[str, Availability | None]
    of_product: DataLoader[str, Availability | None]
    warehouse: DataLoader[str, Warehouse | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryContext(Context[InventoryService, InventoryLoaders]):
    """One request to stock: `service` carries out commands, `planning` tells what is there and what will be needed."""

    planning: Planning


Info = strawberry.Info[InventoryContext, None]


def make_context(service: InventoryService, planning: Planning, caller: Caller) -> InventoryContext:
    """Make the context of one request."""

    async def standings(keys: Sequence[str]) -> Mapping[str, Sequence[Standing]]:
        async with service.database.session() as session:
            return await reading.standings_of_skus(session, keys, service.clock.now())

    async def warehouses(keys: Sequence[str]) -> Mapping[str, Warehouse]:
        async with service.database.session() as session:
            return await reading.warehouses_by_id(session, keys)

    loaders = InventoryLoaders(
        standings=lists_by_key(standings),
        of_sku=by_key(planning.skus.look),
        of_product=by_key(planning.products.look),
        warehouse=by_key(warehouses),
    )
    return InventoryContext(caller=caller, service=service, planning=planning, loaders=loaders)
