"""Equal queries of equal callers that are in flight at one time are answered once.

What makes two requests equal is the exact text of the body together with whatever of the caller and the headers may
vary the answer, so that those who share need not even parse it. Only operations known to be queries are shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Sharing(Generic[T]):
    """The answers that are being made, and who waits for them."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[asyncio.Future[T | None]]] = {}

    def join(self, key: Hashable) -> asyncio.Future[T | None] | None:
        """Return a future of the answer that is being made under `key`, or None where none is.

        The future holds None if that attempt came to nothing; its cause may not concern those who waited.
        """
        waiters = self._waiting.get(key)
        if waiters is None:
            return None
        future: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        waiters.append(future)
        return future

    async def lead(self, key: Hashable, attempt: Awaitable[T]) -> T:
        """Make the answer under `key`, for everyone who joins until it is there."""
        waiters: list[asyncio.Future[T | None]] = []
        self._waiting[key] = waiters
        answer: T | None = None
        try:
            answer = await attempt
            return answer
        finally:
            del self._waiting[key]
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(answer)
