"""Creating and changing products.

A change is a function from the product as it is to the product as it is to be. It runs under a row lock, so two
changes of one product follow each other, and `expected_version` tells a person whose edit came second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.events.catalogue import Payload, PriceChanged, ProductCreated, ProductUpdated
from kernel.events.outbox import record, record_many
from kernel.identity import Caller, require, require_owner
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.products.domain.attributes import ReferenceTarget, references
from subgraphs.products.domain.documents import DocumentStore
from subgraphs.products.domain.files import MediaStore
from subgraphs.products.domain.products import (
    Product,
    ProductContent,
    ProductEdit,
    ProductType,
    Variant,
    check_content,
    check_price,
    check_variants,
)
from subgraphs.products.domain.search import ProductSearch
from subgraphs.products.service.caching import BuyersCache
from subgraphs.products.service.conflicts import told_as_domain_errors
from subgraphs.products.service.searches import SearchLog
from subgraphs.products.storage import memberships, slugs, taxonomy, writing

Change = Callable[[Product], Product]


@dataclass(frozen=True, slots=True)
class OpenProduct:
    """A product that is locked for a change."""

    session: AsyncSession
    before: Product
    product_type: ProductType
    clock: Clock

    async def become(self, after: Product) -> None:
        """Write what differs and tell of it."""
        await write_changed(self.session, self.before, after, self.product_type, self.clock)

    async def tell(self) -> None:
        """Tell that something belonging to it has changed that is written elsewhere."""
        await record(self.session, updated_event(self.before), subject=self.before.id)


class CatalogueService:
    """What can be done with products."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        search: ProductSearch,
        *,
        media: MediaStore,
        documents: DocumentStore,
        cache: BuyersCache | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.search = search
        self.searches = SearchLog(database, clock)
        self.media = media
        self.documents = documents
        self.cache = cache

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
                await write_new(session, [(product, product_type)])
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
        async with self.opened(caller, product_id, expected_version) as product:
            await product.become(change(product.before))

    @asynccontextmanager
    async def opened(
        self, caller: Caller, product_id: str, expected_version: int | None = None
    ) -> AsyncGenerator[OpenProduct]:
        """Lock a product for a change in one transaction with whatever else the block writes."""
        require(caller, roles={"vendor"})
        with told_as_domain_errors():
            async with self.database.transaction() as session:
                found = await writing.lock_product(session, product_id)
                if found is None:
                    raise NotFoundError("There is no such product.", path=("id",))
                before, product_type = found
                require_owner(caller, before.content.owner_id)
                before.expect(expected_version)
                yield OpenProduct(session, before, product_type, self.clock)

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


async def write_new(session: AsyncSession, made: Sequence[tuple[Product, ProductType]]) -> None:
    """Write new products and tell of them."""
    await _check_references(session, made)
    await writing.insert_products(session, made)
    await memberships.note(session, [product.id for product, _ in made])
    told = [
        (product.id, event) for product, _ in made for event in (_created_event(product), *_price_changes(product, {}))
    ]
    await record_many(session, told)


def _created_event(product: Product) -> ProductCreated:
    return ProductCreated(
        product_id=product.id,
        name=product.content.name,
        category_id=product.content.category_id,
        variants=tuple(variant.facts() for variant in product.variants),
        published=product.content.published,
        brand=product.content.brand,
        tags=product.content.tags,
        attributes=dict(product.content.attributes),
    )


async def write_changed(
    session: AsyncSession, before: Product, wanted: Product, product_type: ProductType, clock: Clock
) -> bool:
    """Write what differs and tell of it; tell whether anything did."""
    edit = edited(before, wanted, product_type, clock)
    if edit is not None:
        await write_edits(session, [edit])
    return edit is not None


def edited(before: Product, wanted: Product, product_type: ProductType, clock: Clock) -> ProductEdit | None:
    """Make the edit that brings a product to what is wanted; None where it is that already."""
    after = replace(
        wanted,
        content=check_content(wanted.content, product_type),
        variants=check_variants(wanted.variants, product_type),
    )
    if after == before:
        return None
    after = replace(after, version=before.version + 1, updated_at=clock.now())
    return ProductEdit(before, after, product_type)


async def write_edits(session: AsyncSession, edits: Sequence[ProductEdit]) -> None:
    """Write what differs, of any number of products in the same statements, and tell of it."""
    await _check_references(session, [(each.after, each.product_type) for each in edits])
    await writing.update_products(session, edits)
    await memberships.note(session, [each.after.id for each in edits])
    for each in edits:
        old, new = each.before.content.slug, each.after.content.slug
        if old != new:
            await slugs.retire(session, "product", each.after.id, old=old, new=new)
    known = {variant.id: variant for each in edits for variant in each.before.variants}
    told = [
        (each.after.id, event)
        for each in edits
        for event in (updated_event(each.after), *_price_changes(each.after, known))
    ]
    await record_many(session, told)


def updated_event(after: Product) -> ProductUpdated:
    """Tell how a product is now."""
    return ProductUpdated(
        product_id=after.id,
        name=after.content.name,
        category_id=after.content.category_id,
        variants=tuple(variant.facts() for variant in after.variants),
        published=after.content.published,
        brand=after.content.brand,
        tags=after.content.tags,
        attributes=dict(after.content.attributes),
    )


async def _check_references(session: AsyncSession, written: Sequence[tuple[Product, ProductType]]) -> None:
    named: defaultdict[ReferenceTarget | None, set[str]] = defaultdict(set)
    for product, product_type in written:
        given = (product.content.attributes, *(variant.attributes for variant in product.variants))
        for target, ids in references(product_type.attributes, given).items():
            named[target] |= set(ids)
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
