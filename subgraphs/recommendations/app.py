"""The recommendations subgraph put together."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.recommendations.api.context import RecommendationsLoaders, RecommendationsService
from subgraphs.recommendations.api.schema import SCHEMA
from subgraphs.recommendations.consumers import analytics_consumer, consumers
from subgraphs.recommendations.service import Learning, Recommending, Training, Viewing
from subgraphs.recommendations.settings import RecommendationsSettings
from subgraphs.recommendations.storage.personal_data import PERSONAL_DATA
from subgraphs.recommendations.storage.reports import PostgresReports

NAME: Final = "recommendations"
MIGRATIONS: Final = Path(__file__).parent / "migrations"

_LOOK_EVERY: Final = 30.0
"""Seconds between two looks whether a training is due."""
_PICK_EVERY: Final = 5.0
"""Seconds between two looks for people whose lists are out of date."""


def build(settings: Settings, parts: Parts) -> Subgraph:
    """Put the subgraph together."""
    own = RecommendationsSettings.load()
    service = RecommendationsService(
        recommending=Recommending(parts.database, parts.clock),
        viewing=Viewing(parts.database, parts.clock),
        reports=PostgresReports(parts.database),
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
        ),
    )
