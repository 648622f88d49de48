"""A log-in as its owner sees it in the list of devices: when, where from, with which program."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from subgraphs.users.domain.errors import StepUpRequiredError

SECOND_FACTORS: frozenset[str] = frozenset({"otp", "hwk", "rec"})
"""Ways of log-in (RFC 8176) beyond a password: a time-based code, an authenticator, a recovery code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A session that has not ended."""

    id: str
    user_id: str
    created_at: datetime
    last_used_at: datetime
    authenticated_at: datetime
    methods: frozenset[str]
    agent: str = ""
    address: str = ""
    impersonator_id: str | None = None


def insist_on_fresh_proof(
    device: Device | None, now: datetime, *, window: timedelta, factors: Collection[str], has_password: bool
) -> None:
    """Let pass who proved a short while ago who they are; with a second factor, if they have one.

    Raises:
        StepUpRequiredError: names what would prove it now.
    """
    proven = device is not None and device.impersonator_id is None and now - device.authenticated_at <= window
    if proven and device is not None and (not factors or not SECOND_FACTORS.isdisjoint(device.methods)):
        return
    raise StepUpRequiredError(sorted(factors) or (["password"] if has_password else []))
