"""What stock resolvers lean on during a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import strawberry
from aiodataloader import DataLoader

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.loaders import by_key, lists_by_key
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.storage import reading
from subgraphs.inventory.storage.ledger import Standing
from subgraphs.inventory.storage.reading import Warehouse


@dataclass(frozen=True, slots=True)
class InventoryLoaders:
    """What is fetched for many at once."""

    of_sku: DataLoader[str, Sequence[Standing]]
    of_product: DataLoader[str, Sequence[Standing]]
    warehouse: DataLoader[str, Warehouse | None]


InventoryContext = Context[InventoryService, InventoryLoaders]
Info = strawberry.Info[InventoryContext, None]


def make_context(service: InventoryService, caller: Caller) -> InventoryContext:
    """Make the context of one request."""

    async def of_skus(keys: Sequence[str]) -> Mapping[str, Sequence[Standing]]:
        async with service.database.session() as session:
            return await reading.standings_of_skus(session, keys, service.clock.now())

    async def of_products(keys: Sequence[str]) -> Mapping[str, Sequence[Standing]]:
        async with service.database.session() as session:
            return await reading.standings_of_products(session, keys, service.clock.now())

    async def warehouses(keys: Sequence[str]) -> Mapping[str, Warehouse]:
        async with service.database.session() as session:
            return await reading.warehouses_by_id(session, keys)

    loaders = InventoryLoaders(lists_by_key(of_skus), lists_by_key(of_products), by_key(warehouses))
    return Context(caller=caller, service=service, loaders=loaders)
