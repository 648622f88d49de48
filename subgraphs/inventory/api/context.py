"""What stock resolvers lean on during a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import strawberry
from aiodataloader import DataLoader
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.loaders import by_key, lists_by_key
from subgraphs.inventory.domain.availability import Availability
from subgraphs.inventory.domain.purchasing import PurchaseOrder
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.planning import Planning
from subgraphs.inventory.storage import forecasts, purchasing, reading
from subgraphs.inventory.storage.forecasts import KeptForecast
from subgraphs.inventory.storage.forecasts import Standing as PlanStanding
from subgraphs.inventory.storage.ledger import Standing
from subgraphs.inventory.storage.purchasing import Incoming
from subgraphs.inventory.storage.reading import Warehouse

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class InventoryLoaders:
    """What is fetched for many at once."""

    standings: DataLoader[str, Sequence[Standing]]
    of_sku: DataLoader[str, Availability | None]
    of_product: DataLoader[str, Availability | None]
    warehouse: DataLoader[str, Warehouse | None]
    forecast: DataLoader[str, KeptForecast | None]
    plans: DataLoader[str, Sequence[PlanStanding]]
    incoming: DataLoader[str, Sequence[Incoming]]
    purchase_order: DataLoader[str, PurchaseOrder | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryContext(Context[InventoryService, InventoryLoaders]):
    """One request to stock: `service` carries out commands, `planning` tells what is there and what will be needed."""

    planning: Planning


Info = strawberry.Info[InventoryContext, None]


def make_context(service: InventoryService, planning: Planning, caller: Caller) -> InventoryContext:
    """Make the context of one request."""

    def reads(
        read: Callable[[AsyncSession, Sequence[str]], Awaitable[Mapping[str, Value]]],
    ) -> Callable[[Sequence[str]], Awaitable[Mapping[str, Value]]]:
        async def fetch(keys: Sequence[str]) -> Mapping[str, Value]:
            async with service.database.session() as session:
                return await read(session, keys)

        return fetch

    async def standings(session: AsyncSession, keys: Sequence[str]) -> Mapping[str, Sequence[Standing]]:
        return await reading.standings_of_skus(session, keys, service.clock.now())

    loaders = InventoryLoaders(
        standings=lists_by_key(reads(standings)),
        of_sku=by_key(planning.skus.look),
        of_product=by_key(planning.products.look),
        warehouse=by_key(reads(reading.warehouses_by_id)),
        forecast=by_key(reads(forecasts.forecasts_of)),
        plans=lists_by_key(reads(forecasts.plans_of)),
        incoming=lists_by_key(reads(purchasing.incoming_of)),
        purchase_order=by_key(reads(purchasing.by_id)),
    )
    return InventoryContext(caller=caller, service=service, planning=planning, loaders=loaders)
