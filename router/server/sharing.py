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

    async def join(self, key: Hashable) -> T | None:
        """Return the answer that is being made under `key`, or None where none is.

        An attempt that came to nothing may have done so for reasons that do not concern those who waited for it, so the
        first of them is sent on to make another and the rest wait for that.
        """
        while (waiters := self._waiting.get(key)) is not None:
            future: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
            waiters.append(future)
            if (answer := await future) is not None:
                return answer
        return None

    async def lead(self, key: Hashable, attempt: Awaitable[T]) -> T:
        """Make the answer under `key`, for everyone who joins until it is there.

        There must be no wait between a `join` that returned None and this.
        """
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
