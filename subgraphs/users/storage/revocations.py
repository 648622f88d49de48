"""Tells the router which sessions have ended, so that their access tokens die now and not with their time.

The router reads the same sorted set a few times a second: who ended, and when that can be forgotten. What is told here
goes out once the transaction that ended a session is committed; what is lost on the way (Redis was away) is told again
by a job.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from kernel import telemetry

REVOKED: Final = "storegraph:revoked"
"""The sorted set, as the router's setting `authentication.revocation.key` names it."""
_log = telemetry.get_logger("users")


@dataclass(frozen=True, slots=True)
class Revocations:
    """Tells the router of ended sessions.

    Attributes:
        redis: where it listens.
        lifetime: of access tokens; after that nothing of a session is left.
    """

    redis: Redis
    lifetime: timedelta
    _telling: set[asyncio.Task[None]] = field(default_factory=set[Any])

    def tell_after(self, session: AsyncSession, ended: Collection[str]) -> None:
        """Tell of sessions once the transaction that ended them is committed."""

        def committed(_session: Session) -> None:
            self._begin(ended)

        if ended:
            event.listen(session.sync_session, "after_commit", committed, once=True)

    async def tell(self, ended: Collection[str]) -> None:
        """Tell of sessions now; where that fails, the job will."""
        if not ended:
            return
        now = time.time()
        forget_at = now + self.lifetime.total_seconds()
        try:
            async with self.redis.pipeline(transaction=False) as pipeline:
                pipeline.zadd(REVOKED, {f"sid:{each}": forget_at for each in ended})
                pipeline.zremrangebyscore(REVOKED, "-inf", now)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            _log.warning("ended sessions are told later", sessions=len(ended), reason=str(error))

    async def finish(self) -> None:
        """Wait for what is being told."""
        await asyncio.gather(*self._telling)

    def _begin(self, ended: Collection[str]) -> None:
        task = asyncio.create_task(self.tell(ended))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
