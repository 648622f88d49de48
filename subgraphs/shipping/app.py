"""Shipping put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.sealing import derive
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from kernel.webhooks import webhook_route
from subgraphs.shipping.api.context import make_context
from subgraphs.shipping.api.labels import label_route
from subgraphs.shipping.api.schema import make_schema
from subgraphs.shipping.consumers import make_consumers
from subgraphs.shipping.sandbox import SandboxCarrier
from subgraphs.shipping.service import make_service
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
        secret=derive(settings.internal_key.get_secret_value().encode(), "webhooks of the sandbox carrier").hex(),
        public_url=own.public_url,
    )
    service = make_service(
        parts.database,
        carrier,
        parts.clock,
        track_every=own.track_every,
        carrier_retry=own.carrier_retry,
        carrier_timeout=own.carrier_timeout,
        rates_timeout=own.rates_timeout,
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
        jobs=(Job(name="shipping.carrier", run=service.shipments.drive_due, every=own.track_every),),
        routes=(
            webhook_route("/webhooks/shipping/{sender}", service.webhooks.receive),
            label_route(carrier, parts.database),
        ),
    )
