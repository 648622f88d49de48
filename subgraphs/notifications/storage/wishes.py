"""What people want to hear, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.notifications.domain.messages import Channel, Topic
from subgraphs.notifications.domain.preferences import Preferences
from subgraphs.notifications.storage.tables import preferences, push_devices, topic_choices

_WISHES = text(
    """
    SELECT time_zone, quiet_from, quiet_to, digest, phone,
        ARRAY(SELECT token FROM push_devices WHERE user_id = :user_id ORDER BY added_at, token) AS devices,
        (SELECT jsonb_object_agg(topic || ' ' || channel, wanted)
         FROM topic_choices WHERE user_id = :user_id) AS choices
    FROM (SELECT 1) AS one LEFT JOIN preferences ON user_id = :user_id
    """
)


async def wishes_of(session: AsyncSession, user_id: str) -> Preferences:
    """Read somebody's wishes; the defaults where they told none."""
    row = (await session.execute(_WISHES, {"user_id": user_id})).one()
    choices = {
        (Topic(topic), Channel(channel)): wanted
        for topic, channel, wanted in ((*key.split(" "), value) for key, value in (row.choices or {}).items())
    }
    return Preferences(
        user_id=user_id,
        time_zone=row.time_zone or "UTC",
        quiet_from=row.quiet_from,
        quiet_to=row.quiet_to,
        digest=bool(row.digest),
        phone=row.phone,
        devices=tuple(row.devices),
        choices=choices,
    )


async def change(session: AsyncSession, user_id: str, values: dict[str, Any]) -> None:
    """Change some of somebody's wishes."""
    adding = insert(preferences).values(user_id=user_id, **values)
    await session.execute(adding.on_conflict_do_update(index_elements=["user_id"], set_=values))


async def choose(session: AsyncSession, user_id: str, topic: Topic, channel: Channel, *, wanted: bool) -> None:
    """Switch a topic on or off for a channel."""
    adding = insert(topic_choices).values(user_id=user_id, topic=topic, channel=channel, wanted=wanted)
    await session.execute(
        adding.on_conflict_do_update(index_elements=["user_id", "topic", "channel"], set_={"wanted": wanted})
    )


async def add_device(session: AsyncSession, user_id: str, token: str, now: datetime) -> int:
    """Add a device, which belongs to nobody else from now on; tell how many there are."""
    await session.execute(delete(push_devices).where(push_devices.c.token == token, push_devices.c.user_id != user_id))
    await session.execute(
        insert(push_devices).values(user_id=user_id, token=token, added_at=now).on_conflict_do_nothing()
    )
    query = select(func.count()).select_from(push_devices).where(push_devices.c.user_id == user_id)
    return (await session.execute(query)).scalar_one()


async def remove_device(session: AsyncSession, user_id: str, token: str) -> None:
    """Remove a device."""
    await session.execute(delete(push_devices).where(push_devices.c.token == token, push_devices.c.user_id == user_id))
