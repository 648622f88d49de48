"""Documents that were written with their product and are on their way to the store: the outbox of the documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.products.domain.documents import ProductDocument
from subgraphs.products.storage.conditions import among
from subgraphs.products.storage.tables import pending_documents, products


async def version_of(session: AsyncSession, product_id: str) -> int:
    """Tell which version the document of a product has; 0 where it has none."""
    statement = select(products.c.document_version).where(products.c.id == product_id)
    return int((await session.execute(statement)).scalar() or 0)


async def add(session: AsyncSession, document: ProductDocument) -> None:
    """Write a document for the store, in the place of one that is still on its way."""
    columns = document_columns(document)
    statement = upsert(pending_documents).values(product_id=document.product_id, **columns)
    await session.execute(statement.on_conflict_do_update(index_elements=["product_id"], set_=columns))
    counted = update(products).where(products.c.id == document.product_id)
    await session.execute(counted.values(document_version=document.version))


async def some(session: AsyncSession, most: int) -> list[ProductDocument]:
    """Read some of what is on its way."""
    rows = await session.execute(select(pending_documents).order_by(pending_documents.c.product_id).limit(most))
    return list(map(read_document, rows))


async def of_products(session: AsyncSession, product_ids: Sequence[str]) -> Mapping[str, ProductDocument]:
    """Read what is on its way of these products."""
    statement = select(pending_documents).where(among(pending_documents.c.product_id, product_ids))
    return {row.product_id: read_document(row) for row in await session.execute(statement)}


async def forget(session: AsyncSession, documents: Sequence[ProductDocument]) -> None:
    """Forget what has arrived, unless there is a newer one by now."""
    arrived = [(each.product_id, each.version) for each in documents]
    here = tuple_(pending_documents.c.product_id, pending_documents.c.version)
    await session.execute(delete(pending_documents).where(here.in_(arrived)))


async def versions(session: AsyncSession, after: str, most: int) -> dict[str, int]:
    """Tell which versions documents have, some products at a time, in the order of their ids."""
    known = products.c.document_version > 0, products.c.id > after
    statement = select(products.c.id, products.c.document_version).where(*known).order_by(products.c.id).limit(most)
    return {row.id: row.document_version for row in await session.execute(statement)}


def document_columns(document: ProductDocument) -> dict[str, Any]:
    """Spell what is kept of a document under its product's id, in tables and collections."""
    return {
        "version": document.version,
        "schema": document.schema,
        "content": document.content,
        "facts": list(document.facts),
    }


def read_document(row: Row[*tuple[Any, ...]]) -> ProductDocument:
    """Read a row of `pending_documents` or `documents`."""
    return ProductDocument(
        product_id=row.product_id,
        version=row.version,
        content=row.content,
        facts=tuple(row.facts),
        schema=row.schema,
    )
