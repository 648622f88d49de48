"""The root fields of recommendations."""

from __future__ import annotations

from typing import Final

import strawberry

from kernel.errors import DomainError
from kernel.graphql import Schema, UserError, build_schema, user_errors
from subgraphs.recommendations.api.analytics import AnalyticsQuery
from subgraphs.recommendations.api.context import Info
from subgraphs.recommendations.api.types import Product, Recommendation, User, ViewedProduct, shown, shown_views
from subgraphs.recommendations.domain.recommendation import Kind
from subgraphs.recommendations.service import Wish
from subgraphs.recommendations.service.viewing import viewer_of

_SHOWN: Final = 12


@strawberry.type
class Query(AnalyticsQuery):
    """Reads of the recommendations subgraph."""

    @strawberry.field(description="What most orders hold, best first; in the whole shop, or under a category.")
    async def popular_products(
        self, info: Info, first: int = 6, category_id: strawberry.ID | None = None
    ) -> list[Recommendation]:
        """Give what is popular."""
        return shown(await info.context.service.recommending.best(Kind.POPULAR, first, category_id))

    @strawberry.field(
        description="What sells and is looked at most these days, best first: each sale counts half after two weeks."
    )
    async def trending_products(
        self, info: Info, first: int = 6, category_id: strawberry.ID | None = None
    ) -> list[Recommendation]:
        """Give what is trending."""
        return shown(await info.context.service.recommending.best(Kind.TRENDING, first, category_id))

    @strawberry.field(
        description="What whoever asks may like: the user who is logged in, or the guest of a session. Who is new gets "
        "what is trending."
    )
    async def recommended_products(
        self, info: Info, first: int = 6, session_token: str | None = None
    ) -> list[Recommendation]:
        """Give what the caller may like."""
        viewer = viewer_of(info.context.caller, session_token)
        if viewer is None:
            return shown(await info.context.service.recommending.best(Kind.TRENDING, first))
        return shown(await info.context.loaders.for_people.load(Wish(viewer, first)))

    @strawberry.field(description="What whoever asks looked at: the user who is logged in, or the guest of a session.")
    async def recently_viewed(
        self, info: Info, first: int = _SHOWN, session_token: str | None = None
    ) -> list[ViewedProduct]:
        """Give what the caller looked at."""
        viewer = viewer_of(info.context.caller, session_token)
        return [] if viewer is None else shown_views(await info.context.loaders.viewed.load(Wish(viewer, first)))


@strawberry.type(description="What came of telling that a product was viewed.")
class ProductViewedPayload:
    """What came of telling that a product was viewed."""

    product: Product | None = None
    session_token: str | None = strawberry.field(
        default=None, description="A guest's: bring it along with the next view, and to see what was viewed."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type(description="What came of merging a guest's views.")
class RecentlyViewedMergePayload:
    """What came of merging a guest's views."""

    viewed: list[ViewedProduct] = strawberry.field(
        default_factory=list[ViewedProduct], description="What the user has viewed now, the latest first."
    )
    errors: list[UserError] = strawberry.field(default_factory=list[UserError])


@strawberry.type
class Mutation:
    """Writes of the recommendations subgraph."""

    @strawberry.mutation(
        description="Tell that a product is being looked at. Guests are told apart by a session token, which the first "
        "view gives out; nothing else is known of them. `searched` is what was searched for, where that led here."
    )
    async def product_viewed(
        self, info: Info, id: strawberry.ID, session_token: str | None = None, searched: str = ""
    ) -> ProductViewedPayload:
        """Take a note of a view."""
        try:
            token = await info.context.service.viewing.view(info.context.caller, id, session_token, searched)
        except DomainError as error:
            return ProductViewedPayload(errors=user_errors(error))
        return ProductViewedPayload(product=Product(id=id), session_token=token)

    @strawberry.mutation(
        description="After log-in: make one's own what was viewed as a guest. The session's token is worth nothing "
        "afterwards; who brings it first keeps its views."
    )
    async def recently_viewed_merge(self, info: Info, session_token: str) -> RecentlyViewedMergePayload:
        """Merge a guest's views."""
        caller, service = info.context.caller, info.context.service
        try:
            await service.viewing.merge(caller, session_token)
        except DomainError as error:
            return RecentlyViewedMergePayload(errors=user_errors(error))
        wish = Wish(caller.id or "", _SHOWN)
        return RecentlyViewedMergePayload(viewed=shown_views(await info.context.loaders.viewed.load(wish)))


SCHEMA: Schema = build_schema(Query, Mutation, types=(Product, User))
