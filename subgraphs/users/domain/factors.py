"""Second factors: time-based codes (RFC 6238), authenticators (WebAuthn) and recovery codes."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import pyotp

_STEP_SECONDS: Final = 30
_RECOVERY_CODES: Final = 10
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without what people mistake for one another."""


class FactorKind(StrEnum):
    """What a second factor is."""

    TOTP = "totp"
    WEBAUTHN = "webauthn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """Something that its owner has; `secret` holds what its kind needs to check it."""

    id: str
    user_id: str
    kind: FactorKind
    name: str
    secret: dict[str, Any]
    counter: int
    created_at: datetime
    confirmed_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What somebody brings to prove that they have a factor: exactly one of these."""

    code: str | None = None
    recovery_code: str | None = None
    authenticator: str | None = None
    """The answer of `navigator.credentials.get()`, as JSON."""


def new_totp_secret() -> str:
    """Draw the secret of an authenticator app."""
    return pyotp.random_base32()


def totp_uri(secret: str, *, email: str, shop: str) -> str:
    """Give the address that authenticator apps read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=shop)


def matching_step(secret: str, code: str, now: datetime, *, used_step: int) -> int | None:
    """Find the time step that a code is of: this one, the one before or the one after, for clocks that differ.

    A step that was used, or any before it, never counts again: whoever looked over the shoulder comes too late.
    """
    totp, current = pyotp.TOTP(secret), int(now.timestamp()) // _STEP_SECONDS
    typed = code.replace(" ", "").encode()
    matching = [
        step
        for step in (current - 1, current, current + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), typed)
    ]
    return next((step for step in matching if step > used_step), None)


def new_recovery_codes() -> list[str]:
    """Draw a set of recovery codes, each with 49 bits of entropy, written like `k3f9w-7mq2x`."""
    return ["-".join(_letters(5) for _ in range(2)) for _ in range(_RECOVERY_CODES)]


def normalise_recovery_code(text: str) -> str:
    """Bring a recovery code into the form that was handed out."""
    letters = "".join(each for each in text.lower() if each in _ALPHABET)
    return f"{letters[:5]}-{letters[5:]}"


def _letters(count: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))
