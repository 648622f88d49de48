"""Shipping put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.shipping.api.context import make_context
from subgraphs.shipping.api.schema import make_schema
from subgraphs.shipping.consumers import make_consumers
from subgraphs.shipping.sandbox import SandboxCarrier
from subgraphs.shipping.service import ShippingService
from subgraphs.shipping.settings import ShippingSettings
from subgraphs.shipping.storage.personal_data import PERSONAL_DATA


def build(settings: Settings, parts: Parts) -> Subgraph:
    """Build shipping with the sandbox carrier."""
    own = ShippingSettings.load()
    carrier = SandboxCarrier(
        parts.database,
        parts.clock,
        transit_after=own.sandbox_transit_after,
        delivered_after=own.sandbox_delivered_after,
    )
    service = ShippingService(
        parts.database, carrier, parts.clock, track_every=own.track_every, carrier_retry=own.carrier_retry
    )
    return Subgraph(
        name="shipping",
        schema=make_schema(),
        make_context=partial(make_context, service),
        database=parts.database,
        migrations=Path(__file__).parent / "migrations",
        consumers=(
            *make_consumers(service),
            personal_data_consumer("shipping", PERSONAL_DATA, settings),
        ),
        jobs=(Job(name="shipping.carrier", run=service.drive_due, every=own.track_every),),
    )
