"""Recommendations on products and users, which other subgraphs own."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from kernel.graphql import Schema, build_schema
from kernel.identity import require_owner
from subgraphs.recommendations.api.context import Info
from subgraphs.recommendations.domain import recommendation as domain
from subgraphs.recommendations.domain.recommendation import Kind, Reason
from subgraphs.recommendations.service import Wish

strawberry.enum(Kind, name="RecommendationKind", description="Which sort of recommendations is wanted.")
strawberry.enum(Reason, name="RecommendationReason", description="Why a product is recommended.")


@strawberry.type(description="A product that somebody may want.")
class Recommendation:
    """A product that somebody may want."""

    product: Product | None = strawberry.field(description="The product; null while its details cannot be had.")
    reason: Reason
    score: float = strawberry.field(description="From 0 to 1; compares only within one reason.")


@strawberry.federation.type(keys=["id"])
class Product:
    """A product, by its key."""

    id: strawberry.ID

    @strawberry.field(
        description="What goes with this product, best first. Where too little is known, popular products fill up "
        "the list, and their `reason` says so."
    )
    async def recommendations(
        self, info: Info, first: int = 6, kind: Kind = Kind.BOUGHT_TOGETHER
    ) -> list[Recommendation]:
        """Give what goes with the product."""
        return _shown(await info.context.loaders.for_products.load(Wish(self.id, first, kind)))


@strawberry.federation.type(keys=["id"])
class User:
    """A user, by the key."""

    id: strawberry.ID

    @strawberry.field(
        description="What this user may like next, from what they bought and without it; for that user and the staff."
    )
    async def recommendations(self, info: Info, first: int = 6) -> list[Recommendation] | None:
        """Give what the user may like next."""
        require_owner(info.context.caller, self.id)
        return _shown(await info.context.loaders.for_customers.load(Wish(self.id, first)))


def _shown(found: Sequence[domain.Recommendation]) -> list[Recommendation]:
    return [
        Recommendation(product=Product(id=strawberry.ID(each.product_id)), reason=each.reason, score=each.score)
        for each in found
    ]


@strawberry.type
class Query:
    """Reads of the recommendations subgraph."""

    @strawberry.field(description="What most orders hold, best first.")
    async def popular_products(self, info: Info, first: int = 6) -> list[Recommendation]:
        """Give what is popular."""
        return _shown(await info.context.service.popular(first))


SCHEMA: Schema = build_schema(Query, types=(Product, User))
