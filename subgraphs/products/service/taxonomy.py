"""What orders the catalogue: categories, product types, collections, and the promotions that run on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database, constraint_name
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.events.catalogue import CategoryChanged
from kernel.events.outbox import record
from kernel.ids import new_id
from subgraphs.products.domain.attributes import AttributeDefinition, check_definition
from subgraphs.products.domain.categories import MAX_DEPTH, Category, path_below
from subgraphs.products.domain.pricing import Promotion
from subgraphs.products.domain.products import ProductType
from subgraphs.products.domain.slugs import check_slug, slugify
from subgraphs.products.domain.text import clean_html, clean_line
from subgraphs.products.service.conflicts import told_as_domain_errors
from subgraphs.products.storage import taxonomy
from subgraphs.products.storage.catalogue import Collection

_MAX_MEMBERS = 1000


async def create_category(
    database: Database,
    name: str,
    *,
    slug: str | None = None,
    description: str = "",
    parent_id: str | None = None,
    position: int = 0,
) -> Category:
    """Create a category; its slug is made of its name where none is given.

    Raises:
        ConflictError: the slug is taken.
        NotFoundError: there is no such parent.
    """
    wanted = slugify(name) if slug is None else check_slug(slug)
    with told_as_domain_errors():
        async with database.transaction() as session:
            await taxonomy.lock_tree(session)
            parent = await _parent(session, parent_id)
            return await add_category(session, parent, name, wanted, description=description, position=position)


async def add_category(
    session: AsyncSession,
    parent: Category | None,
    name: str,
    slug: str,
    *,
    description: str = "",
    position: int = 0,
) -> Category:
    """Write a new category and tell of it, in the caller's transaction, which has locked the tree."""
    category_id = new_id("cat")
    category = Category(
        id=category_id,
        slug=slug,
        name=clean_line(name, field="name"),
        description=clean_html(description),
        parent_id=parent.id if parent else None,
        path=path_below(parent, category_id),
        position=position,
    )
    await taxonomy.insert_category(session, category)
    await _tell(session, category)
    return category


async def update_category(
    database: Database,
    category_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    position: int | None = None,
) -> None:
    """Change what is given about a category.

    Raises:
        NotFoundError: there is no such category.
    """
    async with database.transaction() as session:
        await taxonomy.lock_tree(session)
        before = await _known(session, category_id)
        after = replace(
            before,
            name=before.name if name is None else clean_line(name, field="name"),
            description=before.description if description is None else clean_html(description),
            position=before.position if position is None else position,
        )
        await taxonomy.update_category(session, before, after)
        await _tell(session, after)


async def move_category(database: Database, category_id: str, parent_id: str | None) -> None:
    """Hang a category with all below it under another parent, or make it a root.

    Raises:
        NotFoundError: there is no such category or parent.
        InvalidInputError: the parent lies inside the category, or the tree would become too deep.
    """
    async with database.transaction() as session:
        await taxonomy.lock_tree(session)
        before = await _known(session, category_id)
        path = path_below(await _parent(session, parent_id), category_id)
        if len(path) + await taxonomy.depth_below(session, before) > MAX_DEPTH:
            raise InvalidInputError(f"Categories nest {MAX_DEPTH} deep at most.", path=("parentId",))
        after = replace(before, parent_id=parent_id, path=path)
        await taxonomy.update_category(session, before, after)
        await _tell(session, after)


async def delete_category(database: Database, category_id: str) -> Category:
    """Take an empty category away, and give it as it was.

    Raises:
        NotFoundError: there is no such category.
        ConflictError: there are categories or products in it.
    """
    try:
        async with database.transaction() as session:
            await taxonomy.lock_tree(session)
            category = await _known(session, category_id)
            await taxonomy.delete_category(session, category_id)
            await _tell(session, category, removed=True)
    except IntegrityError as error:
        if constraint_name(error) not in {"categories_parent", "products_category"}:
            raise
        raise ConflictError("The category is not empty.", code="INVALID_STATE", path=("id",)) from error
    return category


async def create_product_type(
    database: Database, name: str, attributes: Sequence[AttributeDefinition], *, slug: str | None = None
) -> ProductType:
    """Create a product type.

    Raises:
        InvalidInputError: an attribute cannot be used, or two have the same code.
        ConflictError: the slug is taken.
    """
    if len({each.code for each in attributes}) != len(attributes):
        raise InvalidInputError("Two attributes have the same code.", path=("attributes",))
    product_type = ProductType(
        id=new_id("ptype"),
        slug=slugify(name) if slug is None else check_slug(slug),
        name=clean_line(name, field="name"),
        attributes=tuple(map(check_definition, attributes)),
    )
    async with database.transaction() as session:
        stored = await ensure_product_type(session, product_type)
    if stored.id != product_type.id:
        raise ConflictError("Another product type has this slug.", code="DUPLICATE_SLUG", path=("slug",))
    return stored


async def ensure_product_type(session: AsyncSession, product_type: ProductType) -> ProductType:
    """Give the product type of this slug, which is the given one where there was none."""
    await taxonomy.insert_product_type(session, product_type)
    stored = await taxonomy.find_product_type(session, slug=product_type.slug)
    if stored is None:
        raise NotFoundError("There is no such product type.")
    return stored


async def create_collection(
    database: Database, name: str, *, slug: str | None = None, description: str = ""
) -> Collection:
    """Create an empty collection.

    Raises:
        ConflictError: the slug is taken.
    """
    collection = Collection(
        id=new_id("coll"),
        slug=slugify(name) if slug is None else check_slug(slug),
        name=clean_line(name, field="name"),
        description=clean_html(description),
    )
    with told_as_domain_errors():
        async with database.transaction() as session:
            await taxonomy.insert_collection(session, collection)
    return collection


async def set_collection_products(database: Database, collection_id: str, product_ids: Sequence[str]) -> None:
    """Let a collection hold exactly these products, in this order.

    Raises:
        NotFoundError: there is no such collection, or one of the products is missing.
    """
    if len(product_ids) > _MAX_MEMBERS:
        raise InvalidInputError(f"A collection holds {_MAX_MEMBERS} products at most.", path=("productIds",))
    with told_as_domain_errors():
        async with database.transaction() as session:
            await taxonomy.set_collection_products(session, collection_id, list(dict.fromkeys(product_ids)))


async def create_promotion(database: Database, promotion: Promotion) -> None:
    """Start a promotion, now or when its window opens.

    Raises:
        NotFoundError: it names a category or product that does not exist.
    """
    clean_line(promotion.name, field="name")
    async with database.transaction() as session:
        missing = await taxonomy.missing_targets(session, promotion)
        if missing:
            raise NotFoundError(f"There is no {missing[0]}.", path=("input",))
        await taxonomy.insert_promotion(session, promotion)


async def end_promotion(database: Database, clock: Clock, promotion_id: str) -> Promotion:
    """Let a promotion end now; one that has not started is taken away.

    Raises:
        NotFoundError: there is no such promotion.
    """
    async with database.transaction() as session:
        ended = await taxonomy.end_promotion(session, promotion_id, clock.now())
    if ended is None:
        raise NotFoundError("There is no such promotion.", path=("id",))
    return ended


async def _known(session: AsyncSession, category_id: str) -> Category:
    category = await taxonomy.find_category(session, category_id)
    if category is None:
        raise NotFoundError("There is no such category.", path=("id",))
    return category


async def _parent(session: AsyncSession, parent_id: str | None) -> Category | None:
    if parent_id is None:
        return None
    parent = await taxonomy.find_category(session, parent_id)
    if parent is None:
        raise NotFoundError("There is no such category.", path=("parentId",))
    return parent


async def _tell(session: AsyncSession, category: Category, *, removed: bool = False) -> None:
    changed = CategoryChanged(
        category_id=category.id, name=category.name, parent_id=category.parent_id, removed=removed
    )
    await record(session, changed, subject=category.id)
