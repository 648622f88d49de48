"""From an event to the messages that tell of it, in the transaction that marks the event as handled.

Events of different subgraphs come in any order: a shipment may be told before its order is. Such an event is put aside
and taken up again as soon as its order is known.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.events.envelope import Event
from kernel.ids import new_id
from subgraphs.notifications.domain.letters import (
    Customer,
    Letter,
    customer_told_by,
    letter_about,
    order_needed_by,
    order_told_by,
)
from subgraphs.notifications.domain.messages import Channel, Message, State, Topic
from subgraphs.notifications.domain.webhooks import Endpoint
from subgraphs.notifications.service.wording import Wording
from subgraphs.notifications.storage import known
from subgraphs.notifications.storage.messages import insert_messages


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes the messages that events call for."""

    wording: Wording
    clock: Clock

    async def take(self, session: AsyncSession, event: Event) -> None:
        """Handle one event; also those that waited for what it tells."""
        order = order_told_by(event.data)
        order_id = order.order_id if order else order_needed_by(event.data)
        if order_id:
            await known.lock_order(session, order_id)
        if customer := customer_told_by(event.data):
            await known.remember_customer(session, customer)
        waited = await known.remember_order(session, order) if order else []
        for each in (event, *waited):
            await self._answer(session, each)

    async def tell_of_endpoint(self, session: AsyncSession, endpoint: Endpoint, reason: str) -> None:
        """Tell a partner that an endpoint of theirs was switched off."""
        owner = await known.customer_of(session, endpoint.user_id)
        facts = {"url": endpoint.url, "reason": reason}
        letter = Letter(
            topic=Topic.WEBHOOK_DISABLED, email=owner.email if owner else "", user_id=endpoint.user_id, facts=facts
        )
        await insert_messages(session, self._messages(new_id("evt"), letter, owner))

    async def _answer(self, session: AsyncSession, event: Event) -> None:
        order_id = order_needed_by(event.data)
        order = await known.order_of(session, order_id) if order_id else None
        if order_id and order is None:
            await known.put_aside(session, event, order_id)
        elif letter := letter_about(event.data, order):
            customer = await known.customer_of(session, letter.user_id) if letter.user_id else None
            await insert_messages(session, self._messages(event.id, letter, customer))

    def _messages(self, event_id: str, letter: Letter, customer: Customer | None) -> list[Message]:
        addressees = ((Channel.EMAIL, letter.email), (Channel.INBOX, letter.user_id if letter.inbox else None))
        return [
            self._message(event_id, letter, customer, channel, recipient)
            for channel, recipient in addressees
            if recipient
        ]

    def _message(
        self, event_id: str, letter: Letter, customer: Customer | None, channel: Channel, recipient: str
    ) -> Message:
        now, queued = self.clock.now(), channel is Channel.EMAIL
        return Message(
            id=new_id("ntf"),
            event_id=event_id,
            channel=channel,
            recipient=recipient,
            topic=letter.topic,
            user_id=letter.user_id,
            order_id=letter.order_id,
            words=self.wording.words(
                letter,
                name=letter.name or (customer.name if customer else ""),
                language=customer.language if customer else "en",
            ),
            sealed_secret=b64decode(letter.sealed_secret) or None,
            state=State.QUEUED if queued else State.DELIVERED,
            attempts=0,
            created_at=now,
            settled_at=None if queued else now,
        )
