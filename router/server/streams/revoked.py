"""Ending what streams to somebody whose token was taken back: a subscription makes no request that would be refused.

While something is open, the list of what is revoked is looked at again and again, and those who listen when it changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from router.policy.identity import Identity
from router.policy.revocation import Revocations


class RevokedWatch:
    """Looks after what is open.

    Args:
        revoked: knows what was taken back.
        is_any_open: whether there is anything to look after.
        end: ends what is open for those of whom it is told that their token was taken back.
    """

    def __init__(
        self, revoked: Revocations, is_any_open: Callable[[], bool], end: Callable[[Callable[[Identity], bool]], None]
    ) -> None:
        self._revoked = revoked
        self._is_any_open = is_any_open
        self._end = end
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look from now on until nothing is open."""
        if self._task is None:
            self._task = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _look(self) -> None:
        seen = -1
        while self._is_any_open():
            await self._revoked.learn()
            if self._revoked.edition != seen:
                seen = self._revoked.edition
                self._end(self._revoked.hold)
            await asyncio.sleep(self._revoked.interval)
        self._task = None
