"""Creating and changing products.

A change is a function from the product as it is to the product as it is to be. It runs under a row lock, so two
changes of one product follow each other, and `expected_version` tells a person whose edit came second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.events.catalogue import Payload, PriceChanged, ProductCreated, ProductUpdated
from kernel.events.outbox import record_many
from kernel.identity import Caller, require, require_owner
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.products.domain.attributes import references
from subgraphs.products.domain.products import (
    Product,
    ProductContent,
    ProductType,
    Variant,
    check_content,
    check_price,
    check_variants,
)
from subgraphs.products.domain.search import ProductSearch
from subgraphs.products.service.conflicts import told_as_domain_errors
from subgraphs.products.service.searches import SearchLog
from subgraphs.products.storage import memberships, slugs, taxonomy, writing

Change = Callable[[Product], Product]


class CatalogueService:
    """What can be done with products."""

    def __init__(self, database: Database, clock: Clock, search: ProductSearch) -> None:
        self.database = database
        self.clock = clock
        self.search = search
        self.searches = SearchLog(database, clock)

    async def create(self, caller: Caller, content: ProductContent, variants: Iterable[Variant]) -> str:
        """Create a product and give its id; what a vendor creates is the vendor's own.

        Raises:
            InvalidInputError: something of it cannot be accepted.
            ConflictError: its slug or one of its SKUs is taken.
            NotFoundError: there is no such product type or category.
        """
        require(caller, roles={"vendor"})
        owned = replace(content, owner_id=caller.id if caller.kind == "vendor" else None)
        with told_as_domain_errors():
            async with self.database.transaction() as session:
                product_type = await taxonomy.find_product_type(session, type_id=content.type_id)
                if product_type is None:
                    raise NotFoundError("There is no such product type.", path=("productTypeId",))
                product = new_product(owned, variants, product_type, self.clock)
                await write_new(session, product, product_type)
        return product.id

    async def update(
        self, caller: Caller, product_id: str, change: Change, *, expected_version: int | None = None
    ) -> None:
        """Change a product.

        Raises:
            NotFoundError: there is no such product.
            ConflictError: it has another version than expected, or a slug or SKU is taken.
            ForbiddenError: it belongs to another vendor.
        """
        require(caller, roles={"vendor"})
        with told_as_domain_errors():
            async with self.database.transaction() as session:
                found = await writing.lock_product(session, product_id=product_id)
                if found is None:
                    raise NotFoundError("There is no such product.", path=("id",))
                before, product_type = found
                require_owner(caller, before.content.owner_id)
                before.expect(expected_version)
                await write_changed(session, before, change(before), product_type, self.clock)

    async def change_variant(
        self,
        caller: Caller,
        sku: str,
        change: Callable[[Variant], Variant],
        *,
        expected_version: int | None = None,
    ) -> None:
        """Change one variant of whatever product it belongs to.

        Raises:
            NotFoundError: there is no such variant.
        """
        require(caller, roles={"vendor"})
        async with self.database.session() as session:
            product_id = await writing.product_id_of_sku(session, sku)
        if product_id is None:
            raise NotFoundError("There is no such variant.", path=("sku",))

        def changed(product: Product) -> Product:
            variants = tuple(change(each) if each.sku == sku else each for each in product.variants)
            return replace(product, variants=variants)

        await self.update(caller, product_id, changed, expected_version=expected_version)

    async def set_price(self, caller: Caller, sku: str, price: Money, *, expected_version: int | None = None) -> None:
        """Set a variant's list price in one currency."""
        check_price(price)

        def changed(variant: Variant) -> Variant:
            return replace(variant, prices={**variant.prices, price.currency: price})

        await self.change_variant(caller, sku, changed, expected_version=expected_version)


def new_product(
    content: ProductContent, variants: Iterable[Variant], product_type: ProductType, clock: Clock
) -> Product:
    """Make a product that may be stored."""
    now = clock.now()
    return Product(
        id=new_id("prod"),
        content=check_content(content, product_type),
        variants=check_variants(variants, product_type),
        version=1,
        created_at=now,
        updated_at=now,
    )


async def write_new(session: AsyncSession, product: Product, product_type: ProductType) -> None:
    """Write a new product and tell of it."""
    await _check_references(session, product, product_type)
    await writing.insert_product(session, product, product_type)
    await memberships.note(session, [product.id])
    created = ProductCreated(
        product_id=product.id,
        name=product.content.name,
        category_id=product.content.category_id,
        variants=tuple(variant.facts() for variant in product.variants),
        published=product.content.published,
        brand=product.content.brand,
        tags=product.content.tags,
        attributes=dict(product.content.attributes),
    )
    await record_many(session, [(product.id, event) for event in (created, *_price_changes(product, {}))])


async def write_changed(
    session: AsyncSession, before: Product, wanted: Product, product_type: ProductType, clock: Clock
) -> bool:
    """Write what differs and tell of it; tell whether anything did."""
    after = replace(
        wanted,
        content=check_content(wanted.content, product_type),
        variants=check_variants(wanted.variants, product_type),
    )
    if after == before:
        return False
    after = replace(after, version=before.version + 1, updated_at=clock.now())
    await _check_references(session, after, product_type)
    await writing.update_product(session, before, after, product_type)
    await memberships.note(session, [after.id])
    if before.content.slug != after.content.slug:
        await slugs.retire(session, "product", after.id, old=before.content.slug, new=after.content.slug)
    updated = ProductUpdated(
        product_id=after.id,
        name=after.content.name,
        category_id=after.content.category_id,
        variants=tuple(variant.facts() for variant in after.variants),
        published=after.content.published,
        brand=after.content.brand,
        tags=after.content.tags,
        attributes=dict(after.content.attributes),
    )
    known = {variant.id: variant for variant in before.variants}
    await record_many(session, [(after.id, event) for event in (updated, *_price_changes(after, known))])
    return True


async def _check_references(session: AsyncSession, product: Product, product_type: ProductType) -> None:
    given = (product.content.attributes, *(variant.attributes for variant in product.variants))
    named = references(product_type.attributes, given)
    missing = await writing.missing_references(session, named) if named else []
    if missing:
        raise NotFoundError(f"There is no {missing[0]}.", path=("attributes",))


def _price_changes(after: Product, before: Mapping[str, Variant]) -> Iterator[Payload]:
    for variant in after.variants:
        known = before[variant.id].prices if variant.id in before else {}
        for price in variant.prices.values():
            old = known.get(price.currency)
            if old != price:
                yield PriceChanged(
                    product_id=after.id,
                    sku=variant.sku,
                    currency=price.currency,
                    old_minor=None if old is None else old.minor,
                    new_minor=price.minor,
                )
