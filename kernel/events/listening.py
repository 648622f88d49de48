"""Wake-ups from PostgreSQL: NOTIFY right after a commit reaches whoever listens; a lost line is taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg

from kernel import telemetry
from kernel.events.outbox import CHANNEL

_log = telemetry.get_logger("delivery")


class Listener:
    """Listens on one database.

    Args:
        url: the database, as asyncpg takes it.
        wake: is told what a notification says, `outbox:<schema>` or `inbox:<schema>`.
        wake_all: is called whenever listening begins (again), since anything may have been missed before.
        channel: on which the notifications come.
    """

    def __init__(
        self, url: str, wake: Callable[[str], None], wake_all: Callable[[], None], *, channel: str = CHANNEL
    ) -> None:
        self.ready = asyncio.Event()
        self._url = url
        self._channel = channel
        self._wake = wake
        self._wake_all = wake_all

    async def listen(self) -> None:
        """Turn notifications into wake-ups, and connect again whenever the line is cut; never returns."""
        while True:
            try:
                connection = await asyncpg.connect(self._url)
                try:
                    await self._listen_on(connection)
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError) as error:
                _log.warning("listener lost", error=type(error).__name__)
            await asyncio.sleep(0.5)

    async def _listen_on(self, connection: asyncpg.Connection) -> None:
        lost = asyncio.Event()

        def on_loss(_connection: Any) -> None:
            lost.set()

        def on_notice(_connection: Any, _pid: int, _channel: str, payload: Any) -> None:
            self._wake(str(payload))

        connection.add_termination_listener(on_loss)
        await connection.add_listener(self._channel, on_notice)
        self.ready.set()
        self._wake_all()
        await lost.wait()
