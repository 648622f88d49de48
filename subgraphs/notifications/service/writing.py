"""From an event to the messages that tell of it, in the transaction that marks the event as handled.

Events of different subgraphs come in any order: a shipment may be told before its order is. Such an event is put aside
and taken up again as soon as its order is known.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

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
from subgraphs.notifications.domain.messages import Channel, Message, State, Topic, Words
from subgraphs.notifications.domain.preferences import Caps, Preferences, Way, way_of
from subgraphs.notifications.domain.webhooks import Endpoint
from subgraphs.notifications.service.wording import Wording, languages_of
from subgraphs.notifications.storage import known, templates, wishes
from subgraphs.notifications.storage.messages import insert_messages, recent_by_channel, take_collected

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Writes the messages that events call for.

    Attributes:
        wording: puts letters into words.
        clock: tells the time.
        caps: how many messages somebody gets within an hour.
        staff_email: whom the staff's letters go to.
    """

    wording: Wording
    clock: Clock
    caps: Caps
    staff_email: str

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
        await self._write(session, new_id("evt"), letter, owner)

    async def bundle(self, session: AsyncSession) -> int:
        """Write one digest of what was collected for somebody, if one is due; tell how much is in it."""
        collected = await take_collected(session, self.clock.now())
        if collected:
            first = collected[0]
            items = [{"subject": each.words.subject, "text": each.words.text} for each in collected]
            letter = Letter(
                topic=Topic.DIGEST,
                email=first.recipient,
                user_id=first.user_id,
                inbox=False,
                facts={"items": items},
            )
            owner = await known.customer_of(session, first.user_id) if first.user_id else None
            message = await self._composed(session, f"digest-of-{first.id}", letter, owner)
            await insert_messages(session, [message(Channel.EMAIL, first.recipient, _now(self.clock.now()))])
        return len(collected)

    async def _answer(self, session: AsyncSession, event: Event) -> None:
        order_id = order_needed_by(event.data)
        order = await known.order_of(session, order_id) if order_id else None
        if order_id and order is None:
            await known.put_aside(session, event, order_id)
        elif letter := letter_about(event.data, order, staff_email=self.staff_email):
            customer = await known.customer_of(session, letter.user_id) if letter.user_id else None
            await self._write(session, event.id, letter, customer)

    async def _write(self, session: AsyncSession, event_id: str, letter: Letter, customer: Customer | None) -> None:
        """Write a letter's messages: one for each way that its reader wants it to take."""
        told = await wishes.wishes_of(session, letter.user_id) if letter.user_id else Preferences(user_id="")
        addressees = [(channel, recipient) for channel, recipient in _addressees(letter, told) if recipient]
        now = self.clock.now()
        recent = await recent_by_channel(session, [recipient for _, recipient in addressees], now - _HOUR)
        ways = [
            (channel, recipient, way)
            for channel, recipient in addressees
            if (way := way_of(letter.topic, channel, told, now=now, recent=recent.get(channel, 0), caps=self.caps))
        ]
        if ways:
            message = await self._composed(session, event_id, letter, customer)
            await insert_messages(session, [message(*each) for each in ways])

    async def _composed(
        self, session: AsyncSession, event_id: str, letter: Letter, customer: Customer | None
    ) -> _Composer:
        language = customer.language if customer else "en"
        changed = await templates.overrides_of(session, letter.topic, languages_of(language))
        name = letter.name or (customer.name if customer else "")
        words = self.wording.words(letter, name=name, language=language, overrides=changed)
        return _Composer(event_id, letter, words, self.clock.now())


@dataclass(frozen=True, slots=True)
class _Composer:
    """Makes the messages of one letter."""

    event_id: str
    letter: Letter
    words: Words
    now: datetime

    def __call__(self, channel: Channel, recipient: str, way: Way) -> Message:
        """Make the message that goes to a recipient over a channel."""
        return Message(
            id=new_id("ntf"),
            event_id=self.event_id,
            channel=channel,
            recipient=recipient,
            topic=self.letter.topic,
            user_id=self.letter.user_id,
            order_id=self.letter.order_id,
            words=self.words,
            sealed_secret=b64decode(self.letter.sealed_secret) or None,
            state=way.state,
            attempts=0,
            created_at=self.now,
            due_at=way.due_at,
            settled_at=self.now if way.state is State.DELIVERED else None,
        )


def _now(now: datetime) -> Way:
    return Way(State.QUEUED, now)


def _addressees(letter: Letter, told: Preferences) -> Iterator[tuple[Channel, str | None]]:
    """List every way that a letter could take; what carries a secret goes to the mailbox alone."""
    yield Channel.EMAIL, letter.email
    if letter.inbox:
        yield Channel.INBOX, letter.user_id
        yield Channel.SMS, told.phone
        for token in told.devices:
            yield Channel.PUSH, token
