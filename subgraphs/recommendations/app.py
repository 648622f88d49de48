"""The recommendations subgraph put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.personal_data import personal_data_consumer
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.recommendations.api.context import RecommendationsLoaders
from subgraphs.recommendations.api.schema import SCHEMA
from subgraphs.recommendations.consumers import consumers
from subgraphs.recommendations.service import RecommendationsService
from subgraphs.recommendations.storage.personal_data import PERSONAL_DATA

NAME: Final = "recommendations"
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def build(settings: Settings, parts: Parts) -> Subgraph:
    """Put the subgraph together."""
    service = RecommendationsService(parts.database)

    def make_context(caller: Caller) -> Context[Any, Any]:
        return Context(caller=caller, service=service, loaders=RecommendationsLoaders.of(service))

    return Subgraph(
        name=NAME,
        schema=SCHEMA,
        make_context=make_context,
        database=parts.database,
        migrations=MIGRATIONS,
        consumers=(
            *consumers(service),
            personal_data_consumer(NAME, PERSONAL_DATA, settings),
        ),
    )
