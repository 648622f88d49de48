"""The catalogue put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import OrderCancelled
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.products.api.context import make_context
from subgraphs.products.api.schema import make_schema
from subgraphs.products.service import CatalogueService
from subgraphs.products.service.collections import keep_rules
from subgraphs.products.service.publication import keep_windows
from subgraphs.products.storage import vouchers
from subgraphs.products.storage.personal_data import PERSONAL_DATA
from subgraphs.products.storage.search import PostgresSearch


def make_service(parts: Parts) -> CatalogueService:
    """Make the use cases, for the subgraph and for imports."""
    return CatalogueService(parts.database, parts.clock, PostgresSearch(parts.database))


def build(settings: Settings, parts: Parts) -> Subgraph:
    """Build the catalogue with search in PostgreSQL."""
    service = make_service(parts)
    return Subgraph(
        name="products",
        schema=make_schema(),
        make_context=partial(make_context, service),
        database=parts.database,
        migrations=Path(__file__).parent / "migrations",
        consumers=(
            Consumer(name="products.vouchers", subscriptions={"OrderCancelled": _give_voucher_back}),
            personal_data_consumer("products", PERSONAL_DATA, settings),
        ),
        jobs=(
            Job(name="products.publication", run=partial(keep_windows, parts.database, parts.clock), every=1.0),
            Job(name="products.collections", run=partial(keep_rules, parts.database), every=0.5),
        ),
        on_close=(service.searches.close,),
    )


async def _give_voucher_back(event: Event, session: AsyncSession) -> None:
    """Let the voucher of a cancelled order count for another one."""
    cancelled = cast("OrderCancelled", event.data)
    await vouchers.give_back(session, cancelled.order_id)
