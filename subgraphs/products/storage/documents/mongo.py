"""`DocumentStore` on the protocol of MongoDB, with whichever of its two asynchronous drivers."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.write_concern import WriteConcern

from kernel.errors import InfrastructureError
from subgraphs.products.domain.documents import SCHEMA, ProductDocument
from subgraphs.products.storage.documents.pending import document_columns

Driver = Literal["pymongo", "motor"]

_MILLISECONDS: Final = 3000
_SURE: Final = WriteConcern(w="majority", wtimeout=_MILLISECONDS)


def connect(url: str, driver: Driver) -> Any:
    """Make a client; it connects when it is first used."""
    options: dict[str, Any] = {"serverSelectionTimeoutMS": _MILLISECONDS, "tz_aware": True}
    if driver == "motor":
        from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415 # the other driver is not loaded

        return AsyncIOMotorClient(url, **options)
    from pymongo import AsyncMongoClient  # noqa: PLC0415 # the other driver is not loaded

    return AsyncMongoClient(url, **options)


class MongoDocuments:
    """Keeps documents in a collection; `client` is PyMongo's asynchronous one or Motor's, used in the same way."""

    def __init__(self, client: Any, database: str = "storegraph") -> None:
        self._client = client
        self._documents = client[database].get_collection("product_documents", write_concern=_SURE)
        self._indexed = False

    async def put(self, given: Sequence[ProductDocument]) -> None:
        """Keep documents, each unless what is there is as new."""
        with _told():
            await self._index()
            for each in given:
                await self._put(each)

    async def get(self, product_ids: Sequence[str]) -> Mapping[str, ProductDocument]:
        """Read the documents of these products, as far as there are any."""
        with _told():
            found = await self._documents.find({"_id": {"$in": list(product_ids)}}).to_list(None)
        return {each["_id"]: _read(each) for each in found}

    async def find(self, facts: Sequence[str], *, after: str, most: int) -> list[str]:
        """Find products whose documents hold all of these facts, in the order of their ids, behind one of them."""
        fitting = {"facts": {"$all": list(facts)}, "_id": {"$gt": after}}
        with _told():
            await self._index()
            cursor = self._documents.find(fitting, {"_id": 1}).sort("_id", ASCENDING).limit(most)
            return [each["_id"] for each in await cursor.to_list(None)]

    async def outdated(self, most: int) -> list[ProductDocument]:
        """Find documents whose facts were derived by an older version."""
        with _told():
            found = await self._documents.find({"schema": {"$lt": SCHEMA}}).limit(most).to_list(None)
        return list(map(_read, found))

    async def close(self) -> None:
        """Let go of connections."""
        closing = self._client.close()
        if inspect.isawaitable(closing):
            await closing

    async def _put(self, document: ProductDocument) -> None:
        older = {"version": {"$lt": document.version}}
        derived_before = {"version": document.version, "schema": {"$lt": document.schema}}
        wanted = {"_id": document.product_id, "$or": [older, derived_before]}
        try:
            await self._documents.update_one(wanted, {"$set": document_columns(document)}, upsert=True)
        except DuplicateKeyError:
            return  # what is there is as new, so that the filter found nothing and the insert no room

    async def _index(self) -> None:
        """Make the index of facts, once for each process."""
        if not self._indexed:
            await self._documents.create_index([("facts", ASCENDING), ("_id", ASCENDING)], name="facts")
            self._indexed = True


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except PyMongoError as error:
        raise InfrastructureError(f"The store of documents does not answer: {error}", retryable=True) from error


def _read(fields: Mapping[str, Any]) -> ProductDocument:
    return ProductDocument(
        product_id=fields["_id"],
        version=fields["version"],
        content=fields["content"],
        facts=tuple(fields["facts"]),
        schema=fields["schema"],
    )
