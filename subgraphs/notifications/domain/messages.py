"""A message: what it says, to whom, over which channel, and how far it got."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from kernel.errors import InfrastructureError


class Topic(StrEnum):
    """What a message is about; each has its templates."""

    WELCOME = "welcome"
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_SHIPPED = "order_shipped"
    ORDER_DELIVERED = "order_delivered"
    ORDER_CANCELLED = "order_cancelled"
    PAYMENT_REFUNDED = "payment_refunded"
    BACK_IN_STOCK = "back_in_stock"
    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 # a topic, not a password
    CHANGE_EMAIL = "change_email"
    LINK_IDENTITY = "link_identity"
    ALREADY_REGISTERED = "already_registered"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 # as above
    EMAIL_CHANGED = "email_changed"
    IDENTITY_LINKED = "identity_linked"
    EXPORT_READY = "export_ready"
    WEBHOOK_DISABLED = "webhook_disabled"
    LOW_STOCK = "low_stock"
    CART_ABANDONED = "cart_abandoned"
    DIGEST = "digest"


SECRET_PLACE: Final = "-the-secret-goes-here-"  # noqa: S105 # where one goes
"""Stands in the words of a mail for the secret that it will carry."""


class Channel(StrEnum):
    """The way a message takes."""

    EMAIL = "email"
    INBOX = "inbox"
    SMS = "sms"
    PUSH = "push"


class State(StrEnum):
    """How far a message got."""

    QUEUED = "queued"
    COLLECTED = "collected"
    """It waits for the next digest."""
    BUNDLED = "bundled"
    """It went out as a part of a digest."""
    DELIVERED = "delivered"
    FAILED = "failed"
    BOUNCED = "bounced"
    """There is no such recipient; told at once, or later by the provider."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one recipient over one channel; there is never a second one for the same event."""

    id: str
    event_id: str
    channel: Channel
    recipient: str
    topic: Topic
    user_id: str | None
    order_id: str | None
    words: Words
    state: State
    attempts: int
    created_at: datetime
    due_at: datetime | None = None
    """When a queued message is to go out, if not at once."""
    settled_at: datetime | None = None
    read_at: datetime | None = None
    sealed_secret: bytes | None = None
    """What takes the place of `SECRET_PLACE` when the mail is handed over, and is forgotten then."""
    last_error: str | None = None


class DeliveryError(InfrastructureError):
    """A provider did not take a message; `retryable`: it may do so later, `bounced`: nobody is there."""

    def __init__(self, message: str, *, retryable: bool = False, bounced: bool = False) -> None:
        super().__init__(message, retryable=retryable)
        self.bounced = bounced


class Provider(Protocol):
    """Whoever can deliver messages of one channel."""

    async def deliver(self, message: Message) -> None:
        """Deliver a message; given the same message again, deliver it no second time where that can be helped.

        Raises:
            DeliveryError: it was not taken.
        """
        ...

    async def forget(self, message_id: str) -> None:
        """Forget a delivered message, where that can be done.

        Raises:
            DeliveryError: not now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often delivery is tried, and how long it rests in between: twice as long each time, up to a bound."""

    max_attempts: int = 8
    first_delay: timedelta = timedelta(seconds=5)
    longest_delay: timedelta = timedelta(hours=1)

    def delay(self, attempts: int) -> timedelta | None:
        """Tell how long to wait after this many attempts; None when it is enough."""
        if attempts >= self.max_attempts:
            return None
        return min(self.first_delay * 2 ** (attempts - 1), self.longest_delay)
