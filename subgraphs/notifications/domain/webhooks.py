"""Webhooks: endpoints of partners, what is delivered to them, and the rules of trying, signing and giving up.

Messages follow the Standard Webhooks specification (https://www.standardwebhooks.com): the headers `webhook-id`,
`webhook-timestamp` and `webhook-signature`, where the id stays the same however often a delivery is tried.
"""

from __future__ import annotations

import hmac
import os
import random
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

SCHEDULE: Final = (
    timedelta(),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long each try waits after the one before it; up to `JITTER` of that is added by chance."""
JITTER: Final = 0.2
LONGEST_WISH: Final = timedelta(hours=1)
"""As long as a receiver may ask to be left alone (`Retry-After`)."""
ROTATION: Final = timedelta(hours=24)
"""How long the secret before is still signed with after a rotation."""
_SECRET_MARK: Final = "whsec_"  # noqa: S105 # the mark of one


class EndpointState(StrEnum):
    """Whether an endpoint gets deliveries."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DeliveryState(StrEnum):
    """How far a delivery got."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a partner wants to hear of which events, and in which words: a GraphQL query that is filled for each."""

    id: str
    user_id: str
    url: str
    description: str
    event_types: tuple[str, ...]
    query: str | None
    state: EndpointState
    disabled_reason: str | None
    failures: int
    """How many tries have failed since the last one that did not."""
    failing_since: datetime | None
    created_at: datetime
    secret: bytes
    old_secret: bytes | None = None
    """Sealed, as the other one; signed with beside it until `old_secret_until`."""
    old_secret_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one endpoint; its id is the message's id at the receiver, on every try."""

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    happened_at: datetime
    facts: Mapping[str, Any]
    body: str | None
    """What is sent; made at the first try and the same ever after."""
    state: DeliveryState
    attempts: int
    due_at: datetime
    created_at: datetime
    settled_at: datetime | None = None
    customer_id: str | None = None
    """Whom the event is about, if it is about a person."""
    test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What came of sending: a status, or an error and no status."""

    status: int | None = None
    error: str | None = None
    excerpt: str = ""
    """The beginning of what the receiver answered."""
    retry_after: timedelta | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver took the message."""
        return self.error is None and self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more messages."""
        return self.status == 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a delivery, as the log keeps it."""

    delivery_id: str
    number: int
    at: datetime
    seconds: float
    status: int | None
    error: str | None
    excerpt: str = field(default="")


def rest_after(
    attempts: int, *, wish: timedelta | None = None, chance: random.Random | None = None
) -> timedelta | None:
    """Tell how long to wait after this many tries; None when it was the last one."""
    if attempts >= len(SCHEDULE):
        return None
    rest = SCHEDULE[attempts] * (1 + JITTER * (chance or random).random())
    return max(rest, min(wish, LONGEST_WISH)) if wish else rest


def new_secret() -> str:
    """Draw a signing secret in the spelling of the specification."""
    return _SECRET_MARK + b64encode(os.urandom(32)).decode()


def sign(secrets: Sequence[str], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """Make the headers of a message, with a signature for each secret that is valid now."""
    seconds = int(at.timestamp())
    content = f"{message_id}.{seconds}.{body}".encode()
    signatures = (f"v1,{b64encode(hmac.digest(_key(secret), content, sha256)).decode()}" for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(signatures),
    }


def _key(secret: str) -> bytes:
    return b64decode(secret.removeprefix(_SECRET_MARK))
