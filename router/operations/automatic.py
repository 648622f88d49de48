"""Automatic persisted queries: a document is sent once, and from then on its digest stands for it.

Memory answers first. A store on the Redis protocol lets all routers know what one of them was told; when it is away or
slow, each router knows by itself what it knows, and clients send the rest again.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from typing import Final, Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.http_settings import AutomaticQueriesSettings
from router.operations.errors import DigestMismatchError, DigestUnknownError
from router.operations.manifest import digest

_LOG: Final = structlog.get_logger("router.operations")
_LONGEST: Final = 1_000_000
"""Characters of a document that is worth remembering."""
_MOST_CHARACTERS: Final = 32_000_000
"""Of all documents in memory: a client may send long ones that nobody needs."""
_IS_DIGEST: Final = re.compile(r"[0-9a-f]{64}").fullmatch


class DocumentStore(Protocol):
    """Keeps documents by their digest; it may forget any of them."""

    async def get(self, key: str) -> str | None:
        """Return the document of a digest."""
        ...

    async def put(self, key: str, document: str) -> None:
        """Keep a document."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class MemoryStore:
    """Keeps the documents that were used last, up to a number of them and of their characters."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._documents: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    async def get(self, key: str) -> str | None:
        """Return the document of a digest."""
        document = self._documents.get(key)
        if document is not None:
            self._documents.move_to_end(key)
        return document

    async def put(self, key: str, document: str) -> None:
        """Keep a document, and forget those unused for longest."""
        self._characters += len(document) - len(self._documents.pop(key, ""))
        self._documents[key] = document
        while len(self._documents) > self._limit or self._characters > _MOST_CHARACTERS:
            self._characters -= len(self._documents.popitem(last=False)[1])

    async def close(self) -> None:
        """Nothing is held."""


class SharedStore:
    """Keeps documents in a store on the Redis protocol, behind the memory of this process.

    Args:
        near: asked first.
        settings: where the store is, and how long it may take.
    """

    def __init__(self, near: DocumentStore, settings: AutomaticQueriesSettings) -> None:
        self._near = near
        self._prefix = settings.prefix
        self._lifetime = settings.lifetime
        self._timeout = settings.timeout
        self._redis: Redis = Redis.from_url(
            settings.redis or "",
            decode_responses=True,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
        )

    async def get(self, key: str) -> str | None:
        """Return the document of a digest, and remember it here; one that is asked for lives on."""
        document = await self._near.get(key) or await self._far(key)
        if document is not None:
            await self._near.put(key, document)
        return document

    async def _far(self, key: str) -> str | None:
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._redis.getex(self._prefix + key, ex=self._lifetime)
        except (RedisError, OSError, TimeoutError) as error:
            _complain(error)
            return None
        return found if isinstance(found, str) else None

    async def put(self, key: str, document: str) -> None:
        """Keep a document for all."""
        await self._near.put(key, document)
        try:
            async with asyncio.timeout(self._timeout):
                await self._redis.set(self._prefix + key, document, ex=self._lifetime)
        except (RedisError, OSError, TimeoutError) as error:
            _complain(error)

    async def close(self) -> None:
        """Close the connections to the store."""
        await self._redis.aclose()


def _complain(error: Exception) -> None:
    _LOG.warning("the store of automatic persisted queries does not answer", reason=str(error) or type(error).__name__)


def document_store(settings: AutomaticQueriesSettings) -> DocumentStore:
    """Return the store that the settings ask for."""
    memory = MemoryStore(settings.limit)
    return memory if settings.redis is None else SharedStore(memory, settings)


class AutomaticQueries:
    """Remembers documents by their digest and gives them back."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    async def document(self, key: str, sent: str | None) -> str:
        """Return the document of a digest: the one that was sent along, or the one known from before.

        Raises:
            DigestMismatchError: what was sent has another digest.
            DigestUnknownError: none was sent, and none is known.
        """
        known = await self._store.get(key) if _IS_DIGEST(key) else None
        if sent is None:
            if known is None:
                raise DigestUnknownError
            return known
        if sent == known:
            return sent
        if digest(sent) != key:
            raise DigestMismatchError
        if len(sent) <= _LONGEST:
            await self._store.put(key, sent)
        return sent

    async def close(self) -> None:
        """Let go of the store."""
        await self._store.close()
