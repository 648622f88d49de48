"""What resolvers of this subgraph have at hand during one request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import strawberry
from aiodataloader import DataLoader

from kernel.graphql import Context
from kernel.loaders import lists_by_key
from subgraphs.recommendations.domain.analytics import Reports
from subgraphs.recommendations.domain.recommendation import Recommendation
from subgraphs.recommendations.service import Recommending, Viewing, Wish
from subgraphs.recommendations.storage.viewing import Viewed


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationsService:
    """The use cases that requests lead to."""

    recommending: Recommending
    viewing: Viewing
    reports: Reports


@dataclass(frozen=True, slots=True)
class RecommendationsLoaders:
    """Batches the wishes of one request."""

    for_products: DataLoader[Wish, Sequence[Recommendation]]
    for_people: DataLoader[Wish, Sequence[Recommendation]]
    viewed: DataLoader[Wish, Sequence[Viewed]]

    @classmethod
    def of(cls, recommending: Recommending) -> RecommendationsLoaders:
        """Make fresh loaders for a request."""
        return cls(
            lists_by_key(recommending.for_products),
            lists_by_key(recommending.for_people),
            lists_by_key(recommending.recently_viewed),
        )


Info = strawberry.Info[Context[RecommendationsService, RecommendationsLoaders], None]
