"""The recommendations subgraph put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.recommendations.api.context import RecommendationsLoaders, RecommendationsService
from subgraphs.recommendations.api.schema import SCHEMA
from subgraphs.recommendations.consumers import analytics_consumer, consumers
from subgraphs.recommendations.domain.analytics import Reports
from subgraphs.recommendations.service import Learning, Recommending, Training, Viewing
from subgraphs.recommendations.settings import RecommendationsSettings
from subgraphs.recommendations.storage.personal_data import PERSONAL_DATA
from subgraphs.recommendations.storage.reports import PostgresReports

if TYPE_CHECKING:
    from subgraphs.recommendations.service.copying import Copying

NAME: Final = "recommendations"
MIGRATIONS: Final = Path(__file__).parent / "migrations"

_LOOK_EVERY: Final = 30.0
"""Seconds between two looks whether a training is due."""
_COPY_EVERY: Final = 1.0
"""Seconds between two looks for facts that Elasticsearch does not have yet."""
_PICK_EVERY: Final = 5.0
"""Seconds between two looks for people whose lists are out of date."""


def build(settings: Settings, parts: Parts) -> Subgraph:
    """Put the subgraph together."""
    own = RecommendationsSettings.load()
    copied = _copied(settings, own, parts) if settings.elasticsearch_url else None
    service = RecommendationsService(
        recommending=Recommending(parts.database, parts.clock),
        viewing=Viewing(parts.database, parts.clock),
        reports=copied.reports if copied else PostgresReports(parts.database),
    )
    training = Training(
        database=parts.database,
        clock=parts.clock,
        every=timedelta(seconds=own.train_every),
        guests_kept=timedelta(days=own.guests_kept_days),
        behaviour_kept=timedelta(days=own.behaviour_kept_days),
    )

    def make_context(caller: Caller) -> Context[Any, Any]:
        return Context(caller=caller, service=service, loaders=RecommendationsLoaders.of(service.recommending))

    return Subgraph(
        name=NAME,
        schema=SCHEMA,
        make_context=make_context,
        database=parts.database,
        migrations=MIGRATIONS,
        consumers=(
            *consumers(Learning()),
            analytics_consumer(),
            personal_data_consumer(NAME, PERSONAL_DATA, settings),
        ),
        jobs=(
            Job(name=f"{NAME}.train", run=training.train_due, every=min(_LOOK_EVERY, own.train_every)),
            Job(name=f"{NAME}.make-picks", run=training.make_picks, every=_PICK_EVERY),
            Job(name=f"{NAME}.forget-guests", run=training.forget_guests, every=3600.0),
            Job(name=f"{NAME}.forget-behaviour", run=training.forget_behaviour, every=3600.0),
            *((Job(name=f"{NAME}.copy-facts", run=copied.copying.copy, every=_COPY_EVERY),) if copied else ()),
        ),
        on_close=(copied.close,) if copied else (),
    )


@dataclass(frozen=True, slots=True)
class _Copied:
    """Reports from Elasticsearch, and what brings the facts there."""

    reports: Reports
    copying: Copying
    close: Callable[[], Awaitable[None]]


def _copied(settings: Settings, own: RecommendationsSettings, parts: Parts) -> _Copied:
    # Imported only where it is wanted: the client takes most of a second.
    from subgraphs.recommendations.service.copying import Copying  # noqa: PLC0415
    from subgraphs.recommendations.storage.facts_index import FactsIndex, connect  # noqa: PLC0415
    from subgraphs.recommendations.storage.index_reports import ElasticsearchReports  # noqa: PLC0415

    client = connect(settings.elasticsearch_url)
    index = FactsIndex(client, own.analytics_indices)
    copying = Copying(database=parts.database, clock=parts.clock, index=index)
    return _Copied(ElasticsearchReports(index), copying, client.close)
