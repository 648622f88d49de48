"""What orders the catalogue: categories, product types, collections, and the promotions that run on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from subgraphs.products.domain.wording import with_clean_words
from subgraphs.products.service.conflicts import told_as_domain_errors
from subgraphs.products.storage import memberships, slugs, taxonomy

Change = Callable[[Category], Category]


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


async def update_category(database: Database, category_id: str, change: Change) -> None:
    """Change what is said about a category; where it stands is changed by `move_category`.

    Raises:
        NotFoundError: there is no such category.
        ConflictError: the slug is taken.
        InvalidInputError: something of it cannot be accepted.
    """
    with told_as_domain_errors():
        async with database.transaction() as session:
            await taxonomy.lock_tree(session)
            before = await _known(session, category_id)
            after = _checked(change(before))
            await taxonomy.update_category(session, before, after)
            if before.slug != after.slug:
                await slugs.retire(session, "category", after.id, old=before.slug, new=after.slug)
            await _tell(session, after)


async def reorder_categories(database: Database, parent_id: str | None, category_ids: Sequence[str]) -> None:
    """Put the categories under a parent, or the roots, into this order.

    Raises:
        NotFoundError: there is no such parent.
        InvalidInputError: these are not all categories under it, each once.
    """
    async with database.transaction() as session:
        await taxonomy.lock_tree(session)
        await _parent(session, parent_id)
        siblings = {each.id: each for each in await taxonomy.children_of(session, parent_id)}
        if sorted(category_ids) != sorted(siblings):
            raise InvalidInputError("Name all categories that are there, each once.", path=("ids",))
        await taxonomy.set_positions(session, category_ids)
        for category_id in category_ids:
            await _tell(session, siblings[category_id])


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
        await memberships.note_category(session, after.id)
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
            await slugs.forget(session, category_id)
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


def _checked(category: Category) -> Category:
    return with_clean_words(replace(category, slug=check_slug(category.slug)))


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
