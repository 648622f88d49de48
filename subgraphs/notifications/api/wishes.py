"""What people say about their messages."""

from __future__ import annotations

from datetime import time

import strawberry

from kernel.errors import DomainError
from kernel.graphql import UserError, user_errors
from kernel.identity import Kind, require
from subgraphs.notifications.api.context import Info
from subgraphs.notifications.domain.messages import Channel, Topic
from subgraphs.notifications.domain.preferences import CHOICES, MANDATORY, Preferences

PEOPLE: frozenset[Kind] = frozenset({"customer", "vendor", "staff", "admin"})


@strawberry.type(description="Whether a topic comes over a channel.")
class NotificationChoice:
    """Whether a topic comes over a channel."""

    topic: Topic
    channel: Channel
    wanted: bool
    mandatory: bool = strawberry.field(description="Whether it comes in any case.")


@strawberry.type(description="What somebody wants to hear, when and how.")
class NotificationPreferences:
    """What somebody wants to hear, when and how."""

    time_zone: str
    quiet_from: time | None
    quiet_to: time | None
    digest: bool = strawberry.field(description="Whether mail that can wait comes once a day, together.")
    phone: str | None
    devices: list[str]
    choices: list[NotificationChoice]

    @classmethod
    def of(cls, told: Preferences) -> NotificationPreferences:
        """Show wishes."""
        choices = [
            NotificationChoice(
                topic=topic,
                channel=channel,
                wanted=told.wants(topic, channel),
                mandatory=channel is Channel.EMAIL and topic in MANDATORY,
            )
            for topic in CHOICES
            for channel in Channel
        ]
        return cls(
            time_zone=told.time_zone,
            quiet_from=told.quiet_from,
            quiet_to=told.quiet_to,
            digest=told.digest,
            phone=told.phone,
            devices=list(told.devices),
            choices=choices,
        )


@strawberry.input(description="What is to change; what is left out stays as it is.")
class NotificationPreferencesInput:
    """What is to change."""

    time_zone: str | None = strawberry.field(default=None, description="As in `Europe/Berlin`.")
    quiet_from: time | None = None
    quiet_to: time | None = None
    quiet: bool | None = strawberry.field(default=None, description="False ends quiet hours.")
    digest: bool | None = None
    phone: str | None = strawberry.field(default=None, description="As in `+491701234567`; empty takes it away.")


@strawberry.type
class NotificationPreferencesPayload:
    """Somebody's wishes as they are now, or why they are not as asked."""

    preferences: NotificationPreferences | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class WishesQuery:
    """Reads of one's own wishes."""

    @strawberry.field(description="What you want to hear, when and how.")
    async def notification_preferences(self, info: Info) -> NotificationPreferences:
        """Give the caller's wishes."""
        user_id = require(info.context.caller, kinds=PEOPLE)
        return NotificationPreferences.of(await info.context.service.wishes.of(user_id))


@strawberry.type
class WishesMutation:
    """Writes of one's own wishes."""

    @strawberry.mutation(description="Change when and where your messages come.")
    async def notification_preferences_update(
        self, info: Info, input: NotificationPreferencesInput
    ) -> NotificationPreferencesPayload:
        """Change wishes."""
        quiet = None if input.quiet_from is None and input.quiet_to is None else (input.quiet_from, input.quiet_to)
        try:
            user_id = require(info.context.caller, kinds=PEOPLE)
            told = await info.context.service.wishes.change(
                user_id,
                time_zone=input.time_zone,
                quiet=(None, None) if input.quiet is False else quiet,
                digest=input.digest,
                phone=input.phone,
            )
        except DomainError as error:
            return NotificationPreferencesPayload(errors=user_errors(error))
        return NotificationPreferencesPayload(preferences=NotificationPreferences.of(told))

    @strawberry.mutation(description="Switch a topic on or off for a channel; some come by e-mail in any case.")
    async def notification_choose(
        self, info: Info, topic: Topic, channel: Channel, wanted: bool
    ) -> NotificationPreferencesPayload:
        """Choose about a topic."""
        try:
            user_id = require(info.context.caller, kinds=PEOPLE)
            told = await info.context.service.wishes.choose(user_id, topic, channel, wanted=wanted)
        except DomainError as error:
            return NotificationPreferencesPayload(errors=user_errors(error))
        return NotificationPreferencesPayload(preferences=NotificationPreferences.of(told))

    @strawberry.mutation(description="Send your push messages to a device, by the token of its push service.")
    async def push_device_add(self, info: Info, token: str) -> NotificationPreferencesPayload:
        """Add a device."""
        try:
            user_id = require(info.context.caller, kinds=PEOPLE)
            told = await info.context.service.wishes.add_device(user_id, token)
        except DomainError as error:
            return NotificationPreferencesPayload(errors=user_errors(error))
        return NotificationPreferencesPayload(preferences=NotificationPreferences.of(told))

    @strawberry.mutation(description="Send your push messages to a device no more.")
    async def push_device_remove(self, info: Info, token: str) -> NotificationPreferencesPayload:
        """Remove a device."""
        try:
            user_id = require(info.context.caller, kinds=PEOPLE)
            told = await info.context.service.wishes.remove_device(user_id, token)
        except DomainError as error:
            return NotificationPreferencesPayload(errors=user_errors(error))
        return NotificationPreferencesPayload(preferences=NotificationPreferences.of(told))
