"""`DocumentStore` in PostgreSQL: content as JSONB, facts as an array under a GIN index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from kernel.database import Database
from subgraphs.products.domain.documents import SCHEMA, ProductDocument
from subgraphs.products.storage.conditions import among
from subgraphs.products.storage.documents.pending import document_columns, read_document
from subgraphs.products.storage.tables import documents


class JsonbDocuments:
    """Keeps documents in a table beside the products."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, given: Sequence[ProductDocument]) -> None:
        """Keep documents, each unless what is there is as new."""
        rows = [{"product_id": each.product_id, **document_columns(each)} for each in given]
        if not rows:
            return
        statement = upsert(documents).values(rows)
        new = statement.excluded
        newer = or_(
            documents.c.version < new.version,
            and_(documents.c.version == new.version, documents.c.schema < new.schema),
        )
        changes = {name: new[name] for name in ("version", "schema", "content", "facts")}
        async with self._database.transaction() as session:
            await session.execute(
                statement.on_conflict_do_update(index_elements=["product_id"], set_=changes, where=newer)
            )

    async def get(self, product_ids: Sequence[str]) -> Mapping[str, ProductDocument]:
        """Read the documents of these products, as far as there are any."""
        async with self._database.session() as session:
            rows = await session.execute(select(documents).where(among(documents.c.product_id, product_ids)))
            return {row.product_id: read_document(row) for row in rows}

    async def find(self, facts: Sequence[str], *, after: str, most: int) -> list[str]:
        """Find products whose documents hold all of these facts, in the order of their ids, behind one of them."""
        fitting = documents.c.facts.contains(list(facts)), documents.c.product_id > after
        statement = select(documents.c.product_id).where(*fitting).order_by(documents.c.product_id).limit(most)
        async with self._database.session() as session:
            return list((await session.execute(statement)).scalars())

    async def outdated(self, most: int) -> list[ProductDocument]:
        """Find documents whose facts were derived by an older version."""
        async with self._database.session() as session:
            rows = await session.execute(select(documents).where(documents.c.schema < SCHEMA).limit(most))
            return list(map(read_document, rows))

    async def close(self) -> None:
        """Let go of nothing: the connections are the database's."""
