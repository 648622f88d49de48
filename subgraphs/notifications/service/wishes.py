"""What somebody may say about their messages: over which channel, when, and where to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InvalidInputError
from subgraphs.notifications.domain.messages import Channel, Topic
from subgraphs.notifications.domain.preferences import (
    Preferences,
    check_choice,
    check_devices,
    check_phone,
    check_time_zone,
)
from subgraphs.notifications.storage import wishes as stored


@dataclass(frozen=True, slots=True)
class Wishes:
    """Keeps wishes."""

    database: Database
    clock: Clock

    async def of(self, user_id: str) -> Preferences:
        """Read somebody's wishes."""
        async with self.database.session() as session:
            return await stored.wishes_of(session, user_id)

    async def change(
        self,
        user_id: str,
        *,
        time_zone: str | None = None,
        quiet: tuple[time | None, time | None] | None = None,
        digest: bool | None = None,
        phone: str | None = None,
    ) -> Preferences:
        """Change some wishes; None leaves one as it is, an empty phone takes the number away.

        Raises:
            InvalidInputError: one of them cannot be.
        """
        values: dict[str, Any] = {}
        if time_zone is not None:
            values["time_zone"] = check_time_zone(time_zone)
        if quiet is not None:
            if (quiet[0] is None) != (quiet[1] is None):
                raise InvalidInputError("Quiet hours need a beginning and an end.", path=("quietFrom",))
            values |= {"quiet_from": quiet[0], "quiet_to": quiet[1]}
        if digest is not None:
            values["digest"] = digest
        if phone is not None:
            values["phone"] = check_phone(phone) if phone else None
        async with self.database.transaction() as session:
            if values:
                await stored.change(session, user_id, values)
            return await stored.wishes_of(session, user_id)

    async def choose(self, user_id: str, topic: Topic, channel: Channel, *, wanted: bool) -> Preferences:
        """Switch a topic on or off for a channel.

        Raises:
            InvalidInputError: there is no choice.
        """
        check_choice(topic, channel, on=wanted)
        async with self.database.transaction() as session:
            await stored.choose(session, user_id, topic, channel, wanted=wanted)
            return await stored.wishes_of(session, user_id)

    async def add_device(self, user_id: str, token: str) -> Preferences:
        """Send push messages to a device, and to its owner before no more.

        Raises:
            InvalidInputError: it is none, or there are too many.
        """
        check_devices([token])
        async with self.database.transaction() as session:
            await stored.add_device(session, user_id, token, self.clock.now())
            told = await stored.wishes_of(session, user_id)
            check_devices(told.devices)
            return told

    async def remove_device(self, user_id: str, token: str) -> Preferences:
        """Send push messages to a device no more."""
        async with self.database.transaction() as session:
            await stored.remove_device(session, user_id, token)
            return await stored.wishes_of(session, user_id)
