"""Delivers queued mail, text and push messages: claimed for a while, handed over outside of any transaction, settled.

A courier that dies in between leaves its claim to run out; the message is tried again, and the provider knows it by its
id. So nothing is lost, and seen twice only by a provider that cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from kernel import telemetry
from kernel.clock import Clock
from kernel.database import Database
from kernel.sealing import unseal
from subgraphs.notifications.domain.messages import (
    SECRET_PLACE,
    Channel,
    DeliveryError,
    Message,
    Provider,
    RetryPolicy,
    State,
    Words,
)
from subgraphs.notifications.storage import messages as stored

_AT_ONCE: Final = 20
_CLAIM: Final = timedelta(minutes=2)
_log = telemetry.get_logger("courier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Carries messages to the provider of their channel."""

    database: Database
    providers: Mapping[Channel, Provider]
    clock: Clock
    retries: RetryPolicy
    mail_key: bytes

    async def deliver_due(self) -> int:
        """Deliver what is due, some at a time; tell how many messages were tried."""
        now = self.clock.now()
        async with self.database.transaction() as session:
            due = await stored.claim_due(session, now, until=now + _CLAIM, at_most=_AT_ONCE)
        for message in due:
            await self._deliver(message)
        return len(due)

    async def _deliver(self, message: Message) -> None:
        try:
            await self.providers[message.channel].deliver(self._with_secret(message))
        except DeliveryError as error:
            await self._give_back(message, error)
        except Exception as error:  # a fault of the provider's code must not hold up other messages
            _log.exception("provider failed", message=message.id)
            await self._give_back(message, DeliveryError(type(error).__name__, retryable=True))
        else:
            async with self.database.transaction() as session:
                await stored.settle(session, message, State.DELIVERED, now=self.clock.now())

    async def forget_erased(self) -> int:
        """Have the provider forget mail of people who were erased, where it can; tell how many messages."""
        async with self.database.transaction() as session:
            forgotten = await stored.take_forgotten(session, at_most=_AT_ONCE)
            for message_id in forgotten:
                for provider in self.providers.values():
                    await provider.forget(message_id)
        return len(forgotten)

    def _with_secret(self, message: Message) -> Message:
        """Put the secret into a mail that carries one, at the last moment."""
        if message.sealed_secret is None:
            return message
        secret = unseal(self.mail_key, message.sealed_secret, context=message.user_id or "").decode()
        words = message.words
        text, html = (part.replace(SECRET_PLACE, secret) for part in (words.text, words.html))
        return replace(message, words=Words(words.subject, text, html))

    async def _give_back(self, message: Message, error: DeliveryError) -> None:
        now = self.clock.now()
        delay = self.retries.delay(message.attempts) if error.retryable else None
        end = State.BOUNCED if error.bounced else State.FAILED
        async with self.database.transaction() as session:
            if delay is None:
                _log.warning("message given up", message=message.id, error=error.message)
                await stored.settle(session, message, end, now=now, error=error.message)
            else:
                await stored.postpone(session, message, now + delay, now=now, error=error.message)
