"""Collections: made by hand or by a rule, and kept as their rule says whatever happens to products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.ids import new_id
from subgraphs.products.domain.collections import Collection, check_rule
from subgraphs.products.domain.slugs import check_slug
from subgraphs.products.domain.wording import with_clean_words
from subgraphs.products.service.conflicts import told_as_domain_errors
from subgraphs.products.storage import memberships, slugs, taxonomy

_MAX_MEMBERS: Final = 1000
_AT_ONCE: Final = 500


async def create_collection(database: Database, wanted: Collection) -> Collection:
    """Create a collection: an empty one, or one with all products that fit its rule.

    Raises:
        ConflictError: the slug is taken.
        InvalidInputError: something of it cannot be accepted.
    """
    collection = _checked(replace(wanted, id=new_id("coll")))
    with told_as_domain_errors():
        async with database.transaction() as session:
            await taxonomy.insert_collection(session, collection)
            await memberships.fit(session, collection)
    return collection


async def update_collection(
    database: Database, collection_id: str, change: Callable[[Collection], Collection]
) -> Collection:
    """Change a collection; with another rule it holds other products.

    Raises:
        NotFoundError: there is no such collection.
        ConflictError: the slug is taken.
        InvalidInputError: something of it cannot be accepted.
    """
    with told_as_domain_errors():
        async with database.transaction() as session:
            before = await _locked(session, collection_id)
            after = _checked(change(before))
            if (before.rule is None) != (after.rule is None):
                raise InvalidInputError("A collection has a rule from its beginning, or never.", path=("rule",))
            await taxonomy.update_collection(session, after)
            if before.slug != after.slug:
                await slugs.retire(session, "collection", after.id, old=before.slug, new=after.slug)
            if before.rule != after.rule:
                await memberships.fit(session, after)
    return after


async def delete_collection(database: Database, collection_id: str) -> Collection:
    """Take a collection away, and give it as it was.

    Raises:
        NotFoundError: there is no such collection.
    """
    async with database.transaction() as session:
        collection = await _locked(session, collection_id)
        await slugs.forget(session, collection_id)
        await taxonomy.delete_collection(session, collection_id)
    return collection


async def set_collection_products(database: Database, collection_id: str, product_ids: Sequence[str]) -> None:
    """Let a collection hold exactly these products, in this order.

    Raises:
        NotFoundError: there is no such collection, or one of the products is missing.
        ConflictError: its products are found by a rule.
    """
    if len(product_ids) > _MAX_MEMBERS:
        raise InvalidInputError(f"A collection holds {_MAX_MEMBERS} products at most.", path=("productIds",))
    with told_as_domain_errors():
        async with database.transaction() as session:
            collection = await _locked(session, collection_id)
            if collection.rule is not None:
                raise ConflictError("Its products are found by its rule.", code="INVALID_STATE", path=("id",))
            await memberships.put(session, collection_id, list(dict.fromkeys(product_ids)))


async def keep_rules(database: Database) -> int:
    """See which collections some products fit that were written; tell how many products were looked at."""
    async with database.transaction() as session:
        noted = await memberships.take_noted(session, _AT_ONCE)
        if noted:
            for collection in await memberships.collections_with_rules(session):
                await memberships.fit(session, collection, noted)
    return len(noted)


async def _locked(session: AsyncSession, collection_id: str) -> Collection:
    collection = await taxonomy.lock_collection(session, collection_id)
    if collection is None:
        raise NotFoundError("There is no such collection.", path=("id",))
    return collection


def _checked(collection: Collection) -> Collection:
    clean = with_clean_words(replace(collection, slug=check_slug(collection.slug)))
    return replace(clean, rule=None if clean.rule is None else check_rule(clean.rule))
