"""What is known of a webhook that was kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WebhookOutcome(StrEnum):
    """What came of a webhook."""

    WAITING = "WAITING"
    APPLIED = "APPLIED"
    KNOWN = "KNOWN"
    IRRELEVANT = "IRRELEVANT"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook; its body is kept only while it waits."""

    provider: str
    id: str
    kind: str
    happened_at: datetime
    received_at: datetime
    body: bytes
    outcome: WebhookOutcome
    detail: str
    attempts: int
