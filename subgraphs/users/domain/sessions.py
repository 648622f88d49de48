"""Refresh tokens: opaque secrets in a chain, where each may be used once.

The problem: a rotated token that turns up again was either stolen or repeated by an honest client, whose answer was
lost or whose two tabs raced. Revoking at once logs honest people out; issuing yet another token forks the chain and
blinds the theft detector.

The approach: a token's successor is not random but derived from the token and a nonce that only the database keeps. So
for a short, declared grace a repeated token gets *the same* successor again: any number of concurrent refreshes
continue one chain, and nobody is logged out by a race. After the grace, a used token can only be a copy, and the whole
family (all tokens since one log-in) is revoked. The database holds hashes alone: neither its content nor an old token
is enough to derive what comes next.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

_PREFIX: Final = "srt_"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """What is known of a presented token and of the family it belongs to."""

    family_id: str
    user_id: str
    expires_at: datetime
    family_expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None
    successor_nonce: bytes | None
    successor_used: bool


class Verdict(Enum):
    """What is to be done with a presented token."""

    ROTATE = auto()
    REPEAT = auto()
    REFUSE = auto()
    REVOKE_FAMILY = auto()


def judge(token: RefreshToken, now: datetime, *, grace: timedelta) -> Verdict:
    """Decide about a presented token.

    Within the grace, a token whose successor is in use already is only refused: it is late, not proven stolen.
    """
    if token.revoked_at is not None or now >= min(token.expires_at, token.family_expires_at):
        return Verdict.REFUSE
    if token.used_at is None:
        return Verdict.ROTATE
    if now - token.used_at > grace:
        return Verdict.REVOKE_FAMILY
    return Verdict.REFUSE if token.successor_used else Verdict.REPEAT


def first_secret() -> str:
    """Draw the secret that opens a family."""
    return _spelled(secrets.token_bytes(32))


def new_nonce() -> bytes:
    """Draw what the database keeps to derive one successor."""
    return secrets.token_bytes(32)


def successor_of(secret: str, nonce: bytes) -> str:
    """Derive the secret that follows; always the same for the same two."""
    return _spelled(hmac.digest(secret.encode(), nonce, "sha256"))


def fingerprint(secret: str) -> bytes:
    """Hash a secret for storage; it has full entropy, so a fast hash is enough."""
    return hashlib.sha256(secret.encode()).digest()


def _spelled(secret: bytes) -> str:
    return _PREFIX + urlsafe_b64encode(secret).decode().rstrip("=")
