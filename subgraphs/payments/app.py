"""Payments put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.payments.api.context import make_context
from subgraphs.payments.api.schema import make_schema
from subgraphs.payments.sandbox import SandboxProvider
from subgraphs.payments.service import PaymentsService
from subgraphs.payments.settings import PaymentsSettings
from subgraphs.payments.storage.personal_data import PERSONAL_DATA


def build(settings: Settings, parts: Parts) -> Subgraph:
    """Build payments with the sandbox provider."""
    own = PaymentsSettings.load()
    service = PaymentsService(
        parts.database,
        SandboxProvider(parts.database, parts.clock),
        parts.clock,
        provider_timeout=own.provider_timeout,
        settle_after=own.settle_after,
    )
    return Subgraph(
        name="payments",
        schema=make_schema(),
        make_context=partial(make_context, service),
        database=parts.database,
        migrations=Path(__file__).parent / "migrations",
        consumers=(personal_data_consumer("payments", PERSONAL_DATA, settings),),
        jobs=(Job(name="payments.settle", run=service.settle_due, every=own.settle_every),),
    )
