"""How articles are taxed, for the staff."""

from __future__ import annotations

from decimal import Decimal

import strawberry

from kernel.errors import DomainError
from kernel.graphql import UserError, user_errors
from kernel.identity import require
from subgraphs.orders.api.context import Info
from subgraphs.orders.domain.tax import Place, TaxClass

strawberry.enum(TaxClass, description="How the state looks at goods; most are STANDARD.")


@strawberry.type(description="What the state wants for an article at a place.")
class TaxQuote:
    """What the state wants for an article at a place."""

    rate: Decimal = strawberry.field(description="As a fraction of one.")
    included: bool = strawberry.field(description="Whether shown prices contain it already.")
    tax_class: TaxClass


@strawberry.type(description="What came of classifying articles.")
class ArticlesTaxClassSetPayload:
    """What came of classifying articles."""

    tax_class: TaxClass | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class TaxQuery:
    """Reads about taxes."""

    @strawberry.field(description="How an article that is sent to a place is taxed; for staff.")
    async def tax_quote(
        self, info: Info, country: str, region: str = "", postal_code: str = "", sku: str | None = None
    ) -> TaxQuote:
        """Tell the rate."""
        require(info.context.caller, kinds={"staff", "admin"})
        taxes = info.context.service.taxes
        rate = taxes.provider.rate(Place(country, region, postal_code), sku)
        tax_class = taxes.classes.get(sku or "", TaxClass.STANDARD)
        return TaxQuote(rate=rate.rate, included=rate.included, tax_class=tax_class)


@strawberry.type
class TaxMutations:
    """Changes of how articles are taxed."""

    @strawberry.mutation(description="Say of which class articles are; for staff. Sales follow within seconds.")
    async def articles_tax_class_set(
        self, info: Info, skus: list[str], tax_class: TaxClass
    ) -> ArticlesTaxClassSetPayload:
        """Classify articles."""
        require(info.context.caller, kinds={"staff", "admin"})
        try:
            await info.context.service.taxes.classify(skus, tax_class)
        except DomainError as error:
            return ArticlesTaxClassSetPayload(errors=user_errors(error))
        return ArticlesTaxClassSetPayload(tax_class=tax_class)
