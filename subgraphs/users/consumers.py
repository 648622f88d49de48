"""What users does with events: its own requests that are answered later, and the answers of the other subgraphs."""

from __future__ import annotations

from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import (
    ChangedInSomebodysName,
    PasswordResetRequested,
    PersonalDataCollected,
    PersonalDataErased,
)
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from subgraphs.users.service import UsersService


def make_consumers(service: UsersService) -> tuple[Consumer, ...]:
    """Make the consumers of users."""

    async def reset(event: Event, session: AsyncSession) -> None:
        await service.recovery.answer_reset_request(session, cast("PasswordResetRequested", event.data))

    async def collected(event: Event, session: AsyncSession) -> None:
        await service.personal_data.take_collected(session, cast("PersonalDataCollected", event.data))

    async def erased(event: Event, session: AsyncSession) -> None:
        await service.personal_data.take_erased(session, cast("PersonalDataErased", event.data))

    async def changed(event: Event, session: AsyncSession) -> None:
        await service.staff.note_change(session, cast("ChangedInSomebodysName", event.data))

    return (
        Consumer(name="users.access-log", subscriptions={"ChangedInSomebodysName": changed}),
        Consumer(name="users.mail", subscriptions={"PasswordResetRequested": reset}),
        Consumer(
            name="users.personal-data",
            subscriptions={"PersonalDataCollected": collected, "PersonalDataErased": erased},
        ),
    )
