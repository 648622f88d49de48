"""Stock put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from kernel.jobs import Job
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.inventory.api.context import make_context
from subgraphs.inventory.api.schema import make_schema
from subgraphs.inventory.consumers import make_consumers
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.settings import InventorySettings


def build(_settings: Settings, parts: Parts) -> Subgraph:
    """Build stock."""
    own = InventorySettings.load()
    service = InventoryService(parts.database, parts.clock)
    return Subgraph(
        name="inventory",
        schema=make_schema(),
        make_context=partial(make_context, service),
        database=parts.database,
        migrations=Path(__file__).parent / "migrations",
        consumers=make_consumers(service),
        jobs=(Job(name="inventory.expire", run=service.expire_due, every=own.sweep_every),),
    )
