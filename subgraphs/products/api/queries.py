"""Reads of the catalogue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.errors import InvalidInputError
from kernel.graphql import Connection, CurrencyCode, connection
from kernel.identity import require, require_service
from kernel.pagination import Page
from subgraphs.products.api.classification import Brand, Category, Collection, ProductType
from subgraphs.products.api.context import Info, audience_of
from subgraphs.products.api.documents import DocumentQuery
from subgraphs.products.api.filters import ProductOrderBy, ProductWhere
from subgraphs.products.api.transfers import TransferQuery
from subgraphs.products.api.types import Product, ProductVariant, Promotion, VariantForSale, quote
from subgraphs.products.api.vouchers import VoucherQuery
from subgraphs.products.domain.search import ProductFilter, ProductOrder, SearchRequest
from subgraphs.products.storage import catalogue, listing, slugs
from subgraphs.products.storage.tables import brands

MAX_SKUS = 200


@strawberry.type
class Query(DocumentQuery, TransferQuery, VoucherQuery):
    """Reads of the catalogue."""

    @strawberry.field(description="A product by its id or slug; one that it had before leads to it, too.")
    async def product(self, info: Info, id: strawberry.ID | None = None, slug: str | None = None) -> Product | None:
        """Find a product."""
        _exactly_one(id, slug)
        found = await Product.load(info, id, slug)
        if found is None and (moved := await _moved(info, "product", slug)) is not None:
            found = await Product.load(info, moved)
        return found

    @strawberry.field(description="A variant by its SKU.")
    async def variant(self, info: Info, sku: str) -> ProductVariant | None:
        """Find a variant."""
        return await ProductVariant.load(info, sku=sku)

    @strawberry.field(description="Products, by name if no other order is asked for.")
    async def products(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        where: ProductWhere | None = None,
        order_by: ProductOrderBy | None = None,
    ) -> Connection[Product]:
        """List products."""
        page = Page(first=first, after=after, last=last, before=before)
        wanted = where.to_domain() if where else ProductFilter()
        order = order_by.to_domain() if order_by else ProductOrder()
        audience, database = audience_of(info.context.caller), info.context.service.database

        async with database.session() as session:
            found = await listing.page_of_products(session, page, wanted, order, audience)
        for entry in found.items:
            info.context.loaders.product.prime(entry.id, entry)
        count = _counted(database, lambda session: listing.count_products(session, wanted, audience))
        return connection(found.map(Product.of), count=count)

    @strawberry.field(
        description="Published products that fit words, the best first; the last word may be half written."
    )
    async def product_search(
        self,
        info: Info,
        query: str,
        first: int | None = None,
        after: str | None = None,
        where: ProductWhere | None = None,
    ) -> Connection[Product]:
        """Find products by words."""
        request = SearchRequest(
            text=query,
            page=Page(first=first, after=after),
            where=where.to_domain() if where else ProductFilter(),
        )
        search = info.context.service.search
        hits = await search.find(request)
        if after is None:
            info.context.service.searches.note(query, len(hits.items))
        entries = await info.context.loaders.product.load_many([hit.product_id for hit in hits.items])
        known = {entry.id: entry for entry in entries if entry is not None}
        return connection(hits.map(lambda hit: Product.of(known[hit.product_id])), count=lambda: search.count(request))

    @strawberry.field(description="A category by its id or slug; one that it had before leads to it, too.")
    async def category(self, info: Info, id: strawberry.ID | None = None, slug: str | None = None) -> Category | None:
        """Find a category."""
        _exactly_one(id, slug)
        found = await Category.load(info, id, slug)
        if found is None and (moved := await _moved(info, "category", slug)) is not None:
            found = await Category.load(info, moved)
        return found

    @strawberry.field(description="The categories under a parent, or the roots, in their order.")
    async def categories(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        parent_id: strawberry.ID | None = None,
    ) -> Connection[Category]:
        """List categories."""
        database = info.context.service.database
        async with database.session() as session:
            found = await listing.page_of_categories(session, Page(first=first, after=after), parent_id)
        return connection(
            found.map(Category.of),
            count=_counted(database, lambda session: listing.count_categories(session, parent_id)),
        )

    @strawberry.field(description="A collection by its id or slug; one that it had before leads to it, too.")
    async def collection(
        self, info: Info, id: strawberry.ID | None = None, slug: str | None = None
    ) -> Collection | None:
        """Find a collection."""
        _exactly_one(id, slug)
        found = await Collection.load(info, id, slug)
        if found is None and (moved := await _moved(info, "collection", slug)) is not None:
            found = await Collection.load(info, moved)
        return found

    @strawberry.field(description="A brand's page by its slug, or by its name as products have it.")
    async def brand(self, info: Info, slug: str | None = None, name: str | None = None) -> Brand | None:
        """Find a brand."""
        _exactly_one(slug, name)
        column = brands.c.slug if slug is not None else brands.c.name
        async with info.context.service.database.session() as session:
            found = await catalogue.brands_by(session, column, [slug or name or ""])
        return Brand.of(found[0]) if found else None

    @strawberry.field(description="All brands that have a page, by name.")
    async def brands(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Brand]:
        """List brands."""
        database = info.context.service.database
        async with database.session() as session:
            found = await listing.page_of_brands(session, Page(first=first, after=after))
        return connection(found.map(Brand.of), count=_counted(database, listing.count_brands))

    @strawberry.field(description="All collections, by name.")
    async def collections(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[Collection]:
        """List collections."""
        database = info.context.service.database
        async with database.session() as session:
            found = await listing.page_of_collections(session, Page(first=first, after=after))
        return connection(found.map(Collection.of), count=_counted(database, listing.count_collections))

    @strawberry.field(description="All product types, by name.")
    async def product_types(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[ProductType]:
        """List product types."""
        database = info.context.service.database
        async with database.session() as session:
            found = await listing.page_of_product_types(session, Page(first=first, after=after))
        return connection(found.map(ProductType.of), count=_counted(database, listing.count_product_types))

    @strawberry.field(description="All promotions, those that end last first; for staff.")
    async def promotions(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Promotion]:
        """List promotions."""
        require(info.context.caller, kinds={"staff", "admin"})
        database = info.context.service.database
        async with database.session() as session:
            found = await listing.page_of_promotions(session, Page(first=first, after=after))
        return connection(found.map(Promotion.of), count=_counted(database, listing.count_promotions))

    @strawberry.federation.field(
        inaccessible=True, description="What orders need to sell these SKUs; those that do not exist are left out."
    )
    async def variants_for_sale(self, info: Info, skus: list[str], currency: CurrencyCode) -> list[VariantForSale]:
        """Price variants for a cart."""
        require_service(info.context.caller)
        if len(skus) > MAX_SKUS:
            raise InvalidInputError(f"At most {MAX_SKUS} SKUs can be asked for.", path=("skus",))
        entries = await info.context.loaders.variant_by_sku.load_many(list(dict.fromkeys(skus)))
        return [VariantForSale.of(entry, await quote(info, entry, currency)) for entry in entries if entry is not None]


def _counted(database: Database, count: Callable[[AsyncSession], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
    """Give a list what counts it, for when its total is asked for."""

    async def total() -> int:
        async with database.session() as session:
            return await count(session)

    return total


async def _moved(info: Info, kind: slugs.Kind, slug: str | None) -> str | None:
    """Tell what had a slug before that nothing has now."""
    if slug is None:
        return None
    async with info.context.service.database.session() as session:
        return await slugs.target_of(session, kind, slug)


def _exactly_one(id: str | None, slug: str | None) -> None:
    if (id is None) == (slug is None):
        raise InvalidInputError("Give either the id or the slug.", path=("id",))
