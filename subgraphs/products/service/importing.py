"""Taking over products from elsewhere: a product is created, updated, or found to be as it should be.

A product is known by its slug and a variant by its SKU. Categories and product types that are missing are made
on the way. Variants, prices and whatever else that is here but not in what is imported stay.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.ids import new_id
from subgraphs.products.domain.attributes import Attributes
from subgraphs.products.domain.categories import Category
from subgraphs.products.domain.products import Product, ProductContent, ProductEdit, ProductType, Variant
from subgraphs.products.domain.slugs import slugify
from subgraphs.products.domain.text import clean_line
from subgraphs.products.domain.transfers.filed import ImportedProduct, ImportedVariant
from subgraphs.products.service.catalogue import CatalogueService, edited, new_product, write_edits, write_new
from subgraphs.products.service.conflicts import told_as_domain_errors
from subgraphs.products.service.taxonomy import add_category, ensure_product_type
from subgraphs.products.storage import taxonomy, writing
from subgraphs.products.storage.tables import products


class ImportOutcome(Enum):
    """What an import did to one product."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of an imported product; `skus` are those of its variants, in their order."""

    outcome: ImportOutcome
    product_id: str
    skus: tuple[str, ...]


async def import_product(
    service: CatalogueService,
    imported: ImportedProduct,
    *,
    before_commit: Callable[[ImportResult], Awaitable[None]] | None = None,
) -> ImportResult:
    """Bring one product to the state that is imported.

    `before_commit` may do what belongs to the product elsewhere; when it raises, the product stays as it was.

    Raises:
        InvalidInputError: something of it cannot be accepted.
        ConflictError: a SKU belongs to another product.
    """
    with told_as_domain_errors():
        async with service.database.transaction() as session:
            (result,) = await Importer(session, service.clock).bring([imported])
            if before_commit is not None:
                await before_commit(result)
            return result


class Importer:
    """Brings products into the catalogue within one transaction, and remembers what it has looked up for them.

    `seller_id` is the vendor in whose name it is done: then only the vendor's own products are changed, and no
    category and no product type is made.
    """

    def __init__(self, session: AsyncSession, clock: Clock, *, seller_id: str | None = None) -> None:
        self._session = session
        self._clock = clock
        self._seller_id = seller_id
        self._types: dict[str, ProductType] = {}
        self._categories: dict[tuple[str, ...], Category] = {}

    def forget(self) -> None:
        """Forget what was looked up: a part of the transaction was taken back."""
        self._types.clear()
        self._categories.clear()

    async def bring(self, imported: Sequence[ImportedProduct]) -> list[ImportResult]:
        """Bring products to the state that is imported, all of them in the same statements.

        Raises:
            InvalidInputError: something of one cannot be accepted.
            ConflictError: one stands there twice.
            ForbiddenError: one belongs to another vendor.
            NotFoundError: a vendor's product names a category or type that does not exist.
        """
        slugs = {each.slug for each in imported}
        if len(slugs) != len(imported):
            raise ConflictError("A product stands there twice.", code="DUPLICATE_SLUG", path=("slug",))
        locked = await writing.lock_products(self._session, products.c.slug, slugs)
        known = {product.content.slug: (product, product_type) for product, product_type in locked.values()}
        made: list[tuple[Product, ProductType]] = []
        edits: list[ProductEdit] = []
        results: list[ImportResult] = []
        for each in imported:
            skus = _skus(each)
            category = await self._category(tuple(clean_line(name, field="category") for name in each.category))
            if each.slug in known:
                before, product_type = known[each.slug]
                edit = await self._edit(each, category, skus, before, product_type)
                edits += [] if edit is None else [edit]
                outcome = ImportOutcome.UNCHANGED if edit is None else ImportOutcome.UPDATED
                results.append(ImportResult(outcome, before.id, skus))
            else:
                made.append(await self._new(each, category, skus))
                results.append(ImportResult(ImportOutcome.CREATED, made[-1][0].id, skus))
        if made:
            await write_new(self._session, made)
        if edits:
            await write_edits(self._session, edits)
        return results

    async def _edit(
        self,
        imported: ImportedProduct,
        category: Category | None,
        skus: tuple[str, ...],
        before: Product,
        product_type: ProductType,
    ) -> ProductEdit | None:
        if self._seller_id not in (None, before.content.owner_id):
            raise ForbiddenError("The product belongs to somebody else.")
        if slugify(imported.type_name) != product_type.slug:
            product_type = await self._type(imported.type_name)
        content = _content(imported, before.content, product_type, category)
        after = replace(before, content=content, variants=_variants(imported, skus, before.variants))
        return edited(before, after, product_type, self._clock)

    async def _new(
        self, imported: ImportedProduct, category: Category | None, skus: tuple[str, ...]
    ) -> tuple[Product, ProductType]:
        product_type = await self._type(imported.type_name)
        bare = ProductContent(slug=imported.slug, name=imported.name, type_id=product_type.id, owner_id=self._seller_id)
        content = _content(imported, bare, product_type, category)
        return new_product(content, _variants(imported, skus, ()), product_type, self._clock), product_type

    async def _type(self, name: str) -> ProductType:
        slug = slugify(name)
        if slug not in self._types:
            if self._seller_id is None:
                wanted = ProductType(id=new_id("ptype"), slug=slug, name=clean_line(name, field="type"))
                found: ProductType | None = await ensure_product_type(self._session, wanted)
            else:
                found = await taxonomy.find_product_type(self._session, slug=slug)
            if found is None:
                raise NotFoundError("There is no such product type.", path=("type",))
            self._types[slug] = found
        return self._types[slug]

    async def _category(self, names: tuple[str, ...]) -> Category | None:
        """Find the category of these names from the root down, and make what is missing of it."""
        if not names:
            return None
        if names not in self._categories:
            above = await self._category(names[:-1])
            found = await taxonomy.find_category_named(self._session, above.id if above else None, names[-1])
            self._categories[names] = found or await self._new_category(above, names)
        return self._categories[names]

    async def _new_category(self, above: Category | None, names: tuple[str, ...]) -> Category:
        if self._seller_id is not None:
            raise NotFoundError("There is no such category.", path=("category",))
        await taxonomy.lock_tree(self._session)
        found = await taxonomy.find_category_named(self._session, above.id if above else None, names[-1])
        return found or await add_category(self._session, above, names[-1], slugify(" ".join(names)))


def _content(
    imported: ImportedProduct, before: ProductContent, product_type: ProductType, category: Category | None
) -> ProductContent:
    """Say of a product what is imported; what that does not speak of stays."""
    return replace(
        before,
        name=imported.name,
        description=imported.description,
        type_id=product_type.id,
        category_id=category.id if category else None,
        brand=imported.brand,
        tags=tuple(imported.tags),
        attributes=before.attributes if imported.attributes is None else imported.attributes,
        published=imported.published,
        seo=before.seo if imported.seo is None else imported.seo,
        translations=before.translations if imported.translations is None else imported.translations,
    )


def _variants(imported: ImportedProduct, skus: Sequence[str], before: Sequence[Variant]) -> tuple[Variant, ...]:
    """Merge imported variants into those that are here, which keep their ids and places."""
    merged = {variant.sku: variant for variant in before}
    for sku, variant in zip(skus, imported.variants, strict=True):
        known = merged.get(sku)
        merged[sku] = Variant(
            id=known.id if known else new_id("var"),
            sku=sku,
            name=variant.name or " / ".join(variant.options.values()),
            options=variant.options,
            attributes=_attributes(variant, known),
            weight_grams=variant.weight_grams,
            prices={**(known.prices if known else {}), **{price.currency: price for price in variant.prices}},
        )
    return tuple(merged.values())


def _attributes(variant: ImportedVariant, known: Variant | None) -> Attributes:
    if variant.attributes is not None:
        return variant.attributes
    return known.attributes if known else {}


def _skus(imported: ImportedProduct) -> tuple[str, ...]:
    """Name the variants of a product, which has at least one."""
    if not imported.variants:
        raise InvalidInputError("A product needs a variant.", path=("variants",))
    skus = tuple(_sku(imported, variant) for variant in imported.variants)
    if len(set(skus)) != len(skus):
        raise InvalidInputError("Two variants have the same SKU.", path=("variants", "sku"))
    return skus


def _sku(imported: ImportedProduct, variant: ImportedVariant) -> str:
    return clean_line(variant.sku, field="sku", optional=True) or slugify(
        " ".join((imported.slug, *variant.options.values()))
    )
