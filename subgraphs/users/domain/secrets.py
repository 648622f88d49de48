"""Secrets that work once and not for long: what a mail carries, and the ticket between two steps of a log-in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final


class Purpose(StrEnum):
    """What a secret is good for; one of another purpose opens nothing."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 # a purpose, not a password
    CHANGE_EMAIL = "change_email"
    LINK_IDENTITY = "link_identity"
    SECOND_FACTOR = "second_factor"
    ADD_PASSKEY = "add_passkey"
    CONFIRM_SESSION = "confirm_session"
    BEGIN_LINK = "begin_link"


_LIFETIMES: Final = {
    Purpose.VERIFY_EMAIL: timedelta(days=3),
    Purpose.RESET_PASSWORD: timedelta(minutes=30),
    Purpose.CHANGE_EMAIL: timedelta(hours=24),
    Purpose.LINK_IDENTITY: timedelta(minutes=30),
}
_STEP: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeSecret:
    """What is known of a secret: whose it is, what for, and what it brings along."""

    user_id: str
    purpose: Purpose
    payload: dict[str, Any]
    expires_at: datetime


def lifetime_of(purpose: Purpose) -> timedelta:
    """Tell how long a secret of this purpose holds."""
    return _LIFETIMES.get(purpose, _STEP)


def new_secret() -> str:
    """Draw a secret with 256 bits of entropy."""
    return secrets.token_urlsafe(32)
