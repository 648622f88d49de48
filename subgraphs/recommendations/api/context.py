"""What resolvers of this subgraph have at hand during one request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import strawberry
from aiodataloader import DataLoader

from kernel.graphql import Context
from kernel.loaders import lists_by_key
from subgraphs.recommendations.domain.recommendation import Recommendation
from subgraphs.recommendations.service import RecommendationsService, Wish


@dataclass(frozen=True, slots=True)
class RecommendationsLoaders:
    """Batches the wishes of one request."""

    for_products: DataLoader[Wish, Sequence[Recommendation]]
    for_customers: DataLoader[Wish, Sequence[Recommendation]]

    @classmethod
    def of(cls, service: RecommendationsService) -> RecommendationsLoaders:
        """Make fresh loaders for a request."""
        return cls(lists_by_key(service.for_products), lists_by_key(service.for_customers))


Info = strawberry.Info[Context[RecommendationsService, RecommendationsLoaders], None]
