"""Other providers that people log in with, and what a provider says about somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

Kind: TypeAlias = Literal["oidc", "github"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a provider says about somebody; only an address that it has verified counts."""

    provider: str
    subject: str
    email: str | None
    email_verified: bool
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An account at a provider that opens an account here."""

    id: str
    user_id: str
    provider: str
    email: str | None
    created_at: datetime


def safe_return_path(wanted: str) -> str:
    """Give the path to go back to after log-in: one of this site, whatever was asked for."""
    parts = urlsplit(wanted)
    local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    plain = wanted.isprintable() and "\\" not in wanted
    return wanted if local and plain else "/"
