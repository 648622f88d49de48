"""Recommendations on products and users, which other subgraphs own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import strawberry

from kernel.identity import require_owner
from subgraphs.recommendations.api.context import Info
from subgraphs.recommendations.domain import recommendation as domain
from subgraphs.recommendations.domain.recommendation import Kind, Reason
from subgraphs.recommendations.service import Wish
from subgraphs.recommendations.storage import viewing

strawberry.enum(Kind, name="RecommendationKind", description="Which sort of recommendations is wanted.")
strawberry.enum(Reason, name="RecommendationReason", description="Why a product is recommended.")


@strawberry.type(description="A product that somebody may want.")
class Recommendation:
    """A product that somebody may want."""

    product: Product | None = strawberry.field(description="The product; null while its details cannot be had.")
    reason: Reason
    score: float = strawberry.field(description="From 0 to 1; compares only within one reason.")
    because: Product | None = strawberry.field(description="The product that led to it, where one did most.")
    explanation: str = strawberry.field(description="The reason in English words: `Because you viewed …`.")


@strawberry.type(description="A product that somebody looked at.")
class ViewedProduct:
    """A product that somebody looked at."""

    product: Product | None = strawberry.field(description="The product; null while its details cannot be had.")
    viewed_at: datetime = strawberry.field(description="When it was looked at for the last time.")


@strawberry.federation.type(keys=["id"])
class Product:
    """A product, by its key."""

    id: strawberry.ID

    @strawberry.field(
        description="What goes with this product, best first. Where too little is known, popular products, first of "
        "its category, fill up the list, and their `reason` says so. What cannot be bought now is left out."
    )
    async def recommendations(
        self, info: Info, first: int = 6, kind: Kind = Kind.BOUGHT_TOGETHER
    ) -> list[Recommendation]:
        """Give what goes with the product."""
        return shown(await info.context.loaders.for_products.load(Wish(self.id, first, kind)))


@strawberry.federation.type(keys=["id"])
class User:
    """A user, by the key."""

    id: strawberry.ID

    @strawberry.field(
        description="What this user may like next, from what they bought and viewed and without what they bought; "
        "filled up with what is trending. For that user and the staff."
    )
    async def recommendations(self, info: Info, first: int = 6) -> list[Recommendation] | None:
        """Give what the user may like next."""
        require_owner(info.context.caller, self.id)
        return shown(await info.context.loaders.for_people.load(Wish(self.id, first)))

    @strawberry.field(description="What this user looked at, the latest first; for that user and the staff.")
    async def recently_viewed(self, info: Info, first: int = 12) -> list[ViewedProduct] | None:
        """Give what the user looked at."""
        require_owner(info.context.caller, self.id)
        return shown_views(await info.context.loaders.viewed.load(Wish(self.id, first)))


def shown(found: Sequence[domain.Recommendation]) -> list[Recommendation]:
    """Show recommendations."""
    return [
        Recommendation(
            product=_product(each.product_id),
            reason=each.reason,
            score=each.score,
            because=_product(each.because_id) if each.because_id else None,
            explanation=each.explanation,
        )
        for each in found
    ]


def shown_views(found: Sequence[viewing.Viewed]) -> list[ViewedProduct]:
    """Show what was looked at."""
    return [ViewedProduct(product=_product(each.product_id), viewed_at=each.viewed_at) for each in found]


def _product(product_id: str) -> Product:
    return Product(id=strawberry.ID(product_id))
