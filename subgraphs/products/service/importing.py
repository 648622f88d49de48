"""Taking over products from elsewhere: a product is created, updated, or found to be as it should be.

A product is known by its slug and a variant by its SKU. Categories and product types that are missing are made
on the way. Each product is one transaction, so a bad one leaves no trace and the others stand. Variants and
prices that are here but not in what is imported stay.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.errors import InvalidInputError
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.products.domain.attributes import Attributes
from subgraphs.products.domain.categories import Category
from subgraphs.products.domain.products import Product, ProductContent, ProductType, Variant
from subgraphs.products.domain.slugs import slugify
from subgraphs.products.domain.text import clean_line
from subgraphs.products.service.catalogue import CatalogueService, new_product, write_changed, write_new
from subgraphs.products.service.conflicts import told_as_domain_errors
from subgraphs.products.service.taxonomy import add_category, ensure_product_type
from subgraphs.products.storage import taxonomy, writing


class ImportOutcome(Enum):
    """What an import did to one product."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedVariant:
    """A variant from elsewhere; without a SKU it gets one made of its product's slug and its options."""

    sku: str = ""
    name: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    prices: Sequence[Money] = ()
    weight_grams: int = 0
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedProduct:
    """A product from elsewhere; its category is named by the names from the root down, its type by its name."""

    slug: str
    name: str
    type_name: str
    variants: Sequence[ImportedVariant]
    category: Sequence[str] = ()
    description: str = ""
    brand: str = ""
    tags: Sequence[str] = ()
    attributes: Attributes = field(default_factory=dict)
    published: bool = True


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
    if not imported.variants:
        raise InvalidInputError("A product needs a variant.", path=("variants",))
    with told_as_domain_errors():
        async with service.database.transaction() as session:
            result = await _import(session, service, imported)
            if before_commit is not None:
                await before_commit(result)
            return result


async def _import(session: AsyncSession, service: CatalogueService, imported: ImportedProduct) -> ImportResult:
    category_id = await _category_id(session, imported.category)
    skus = tuple(_sku(imported, variant) for variant in imported.variants)
    if len(set(skus)) != len(skus):
        raise InvalidInputError("Two variants have the same SKU.", path=("variants", "sku"))
    found = await writing.lock_product(session, slug=imported.slug)
    if found is None:
        product_type = await _product_type(session, imported.type_name)
        content = _content(imported, product_type, category_id, None)
        product = new_product(content, _variants(imported, skus, ()), product_type, service.clock)
        await write_new(session, product, product_type)
        return ImportResult(ImportOutcome.CREATED, product.id, skus)
    before, product_type = found
    if slugify(imported.type_name) != product_type.slug:
        product_type = await _product_type(session, imported.type_name)
    after = replace(
        before,
        content=_content(imported, product_type, category_id, before),
        variants=_variants(imported, skus, before.variants),
    )
    changed = await write_changed(session, before, after, product_type, service.clock)
    return ImportResult(ImportOutcome.UPDATED if changed else ImportOutcome.UNCHANGED, before.id, skus)


def _content(
    imported: ImportedProduct, product_type: ProductType, category_id: str | None, before: Product | None
) -> ProductContent:
    return ProductContent(
        slug=imported.slug,
        name=imported.name,
        description=imported.description,
        type_id=product_type.id,
        category_id=category_id,
        brand=imported.brand,
        tags=tuple(imported.tags),
        attributes=imported.attributes,
        published=imported.published,
        owner_id=before.content.owner_id if before else None,
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
            attributes=variant.attributes,
            weight_grams=variant.weight_grams,
            prices={**(known.prices if known else {}), **{price.currency: price for price in variant.prices}},
        )
    return tuple(merged.values())


def _sku(imported: ImportedProduct, variant: ImportedVariant) -> str:
    return clean_line(variant.sku, field="sku", optional=True) or slugify(
        " ".join((imported.slug, *variant.options.values()))
    )


async def _product_type(session: AsyncSession, name: str) -> ProductType:
    wanted = ProductType(id=new_id("ptype"), slug=slugify(name), name=clean_line(name, field="type"))
    return await ensure_product_type(session, wanted)


async def _category_id(session: AsyncSession, names: Sequence[str]) -> str | None:
    """Find the category of these names from the root down, and make what is missing of it."""
    category: Category | None = None
    for depth, name in enumerate(names, start=1):
        found = await taxonomy.find_category_named(session, category.id if category else None, name)
        if found is None:
            await taxonomy.lock_tree(session)
            found = await taxonomy.find_category_named(session, category.id if category else None, name)
        if found is None:
            found = await add_category(session, category, name, slugify(" ".join(names[:depth])))
        category = found
    return category.id if category else None
