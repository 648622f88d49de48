"""What the staff does about messages and their templates."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import strawberry

from kernel.errors import DomainError
from kernel.graphql import UserError, user_errors
from kernel.identity import Kind, require
from subgraphs.notifications.api.context import Info
from subgraphs.notifications.api.types import NotificationDelivery
from subgraphs.notifications.domain.messages import Topic, Words
from subgraphs.notifications.storage.templates import Override

_STAFF: Final[frozenset[Kind]] = frozenset({"staff", "admin"})


@strawberry.type(description="A message in words, or the templates of its parts.")
class NotificationWords:
    """A message in words, or the templates of its parts."""

    subject: str
    text: str
    html: str

    @classmethod
    def of(cls, words: Words) -> NotificationWords:
        """Show words."""
        return cls(subject=words.subject, text=words.text, html=words.html)


@strawberry.input(description="Templates in the language of Jinja2: subject, plain text, HTML.")
class NotificationTemplateInput:
    """Templates of a message."""

    subject: str
    text: str
    html: str

    def to_words(self) -> Words:
        """Read them."""
        return Words(self.subject, self.text, self.html)


@strawberry.type(description="A template that the staff changed.")
class NotificationTemplateOverride:
    """A template that the staff changed."""

    topic: Topic
    language: str
    templates: NotificationWords
    changed_by: strawberry.ID
    changed_at: datetime

    @classmethod
    def of(cls, override: Override) -> NotificationTemplateOverride:
        """Show a change."""
        return cls(
            topic=override.topic,
            language=override.language,
            templates=NotificationWords.of(override.words),
            changed_by=strawberry.ID(override.changed_by),
            changed_at=override.changed_at,
        )


@strawberry.type
class NotificationTemplatePayload:
    """A sample in the words of the templates in use now, or why nothing was changed."""

    preview: NotificationWords | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class NotificationDeliveryPayload:
    """A message on its way, or why nothing was done."""

    delivery: NotificationDelivery | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class StaffQuery:
    """Reads of templates."""

    @strawberry.field(
        description="A topic's message with invented facts, as it would be sent or by a draft; for the staff."
    )
    async def notification_preview(
        self, info: Info, topic: Topic, language: str = "en", draft: NotificationTemplateInput | None = None
    ) -> NotificationWords:
        """Show a message."""
        require(info.context.caller, kinds=_STAFF)
        templates = info.context.service.templates
        return NotificationWords.of(await templates.preview(topic, language, draft.to_words() if draft else None))

    @strawberry.field(description="The templates of a topic that are in use; for the staff.")
    async def notification_template(self, info: Info, topic: Topic, language: str = "en") -> NotificationWords:
        """Give templates."""
        require(info.context.caller, kinds=_STAFF)
        return NotificationWords.of(await info.context.service.templates.source(topic, language))

    @strawberry.field(description="All templates that the staff changed; for the staff.")
    async def notification_template_overrides(self, info: Info) -> list[NotificationTemplateOverride]:
        """List changes."""
        require(info.context.caller, kinds=_STAFF)
        return [NotificationTemplateOverride.of(each) for each in await info.context.service.templates.overrides()]


@strawberry.type
class StaffMutation:
    """Writes of the staff."""

    @strawberry.mutation(description="Change a topic's templates; for administrators. They must work with a sample.")
    async def notification_template_set(
        self, info: Info, topic: Topic, language: str, input: NotificationTemplateInput
    ) -> NotificationTemplatePayload:
        """Change templates."""
        try:
            admin = require(info.context.caller, kinds={"admin"})
            words = await info.context.service.templates.change(topic, language, input.to_words(), by=admin)
        except DomainError as error:
            return NotificationTemplatePayload(errors=user_errors(error))
        return NotificationTemplatePayload(preview=NotificationWords.of(words))

    @strawberry.mutation(description="Return to the templates that the shop came with; for administrators.")
    async def notification_template_reset(self, info: Info, topic: Topic, language: str) -> NotificationTemplatePayload:
        """Forget changed templates."""
        try:
            require(info.context.caller, kinds={"admin"})
            words = await info.context.service.templates.reset(topic, language)
        except DomainError as error:
            return NotificationTemplatePayload(errors=user_errors(error))
        return NotificationTemplatePayload(preview=NotificationWords.of(words))

    @strawberry.mutation(description="Send a message again, as a new one; for the staff.")
    async def notification_resend(self, info: Info, id: strawberry.ID) -> NotificationDeliveryPayload:
        """Send a message again."""
        try:
            require(info.context.caller, kinds=_STAFF)
            message = await info.context.service.inbox.resend(id)
        except DomainError as error:
            return NotificationDeliveryPayload(errors=user_errors(error))
        return NotificationDeliveryPayload(delivery=NotificationDelivery.of(message))

    @strawberry.mutation(description="Note that a provider gave a message back after taking it; for the staff.")
    async def notification_bounced(self, info: Info, id: strawberry.ID, reason: str) -> NotificationDeliveryPayload:
        """Note a bounce."""
        try:
            require(info.context.caller, kinds=_STAFF)
            message = await info.context.service.inbox.note_bounce(id, reason)
        except DomainError as error:
            return NotificationDeliveryPayload(errors=user_errors(error))
        return NotificationDeliveryPayload(delivery=NotificationDelivery.of(message))
