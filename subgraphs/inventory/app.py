"""Stock put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.redis import connect
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.inventory.api.context import make_context
from subgraphs.inventory.api.schema import make_schema
from subgraphs.inventory.consumers import make_consumers
from subgraphs.inventory.domain.sourcing import STRATEGIES
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.auditing import project
from subgraphs.inventory.service.availability import AvailabilityBoard
from subgraphs.inventory.service.forecasting import Forecasting
from subgraphs.inventory.service.planning import Planning
from subgraphs.inventory.service.purchasing import Purchasing
from subgraphs.inventory.service.watches import Watches
from subgraphs.inventory.settings import InventorySettings
from subgraphs.inventory.storage.availability_cache import AvailabilityCache
from subgraphs.inventory.storage.personal_data import PERSONAL_DATA


def build(settings: Settings, parts: Parts) -> Subgraph:
    """Build stock."""
    own = InventorySettings.load()
    service = InventoryService(parts.database, parts.clock, source=STRATEGIES[own.sourcing])
    redis = connect(settings.redis_url) if settings.redis_url else None
    planning = make_planning(parts, own, service, redis)
    return Subgraph(
        name="inventory",
        schema=make_schema(),
        make_context=partial(make_context, service, planning),
        database=parts.database,
        migrations=Path(__file__).parent / "migrations",
        consumers=(
            *make_consumers(service, planning),
            personal_data_consumer("inventory", PERSONAL_DATA, settings),
        ),
        jobs=(
            Job(name="inventory.expire", run=service.expire_due, every=own.sweep_every),
            Job(name="inventory.project", run=partial(project, parts.database), every=own.project_every),
            Job(
                name="inventory.forget",
                run=partial(service.forget_commands, own.remember_commands_days * 86_400),
                every=3600.0,
            ),
            Job(name="inventory.forecast", run=planning.forecasting.renew, every=own.plan_every),
            *_renewals(planning, redis),
        ),
        on_close=() if redis is None else (redis.aclose,),
    )


def make_planning(
    parts: Parts, own: InventorySettings, service: InventoryService, redis: Redis | None = None
) -> Planning:
    """Put together who tells and plans; without Redis every figure comes from the books."""
    caches = {
        kind: None if redis is None else AvailabilityCache(redis, kind, bound=own.availability_bound)
        for kind in ("sku", "product")
    }
    return Planning(
        skus=AvailabilityBoard.of_skus(parts.database, parts.clock, caches["sku"]),
        products=AvailabilityBoard.of_products(parts.database, parts.clock, caches["product"]),
        forecasting=Forecasting(parts.database, parts.clock, own.terms()),
        purchasing=Purchasing(parts.database, parts.clock, service),
        watches=Watches(parts.database, parts.clock),
    )


def _renewals(planning: Planning, redis: Redis | None) -> tuple[Job, ...]:
    """Keep what is cached as new as the events; each waits for changes by itself."""
    boards = {"skus": planning.skus, "products": planning.products}
    if redis is None:
        return ()
    return tuple(Job(name=f"inventory.availability.{name}", run=each.renew, every=0.0) for name, each in boards.items())
