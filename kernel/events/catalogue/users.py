"""What accounts tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from kernel.events.catalogue.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered(Payload):
    """An account was opened."""

    producer: ClassVar[str] = "users"
    personal: ClassVar[tuple[str, ...]] = ("email", "name")
    user_id: str
    email: str
    name: str
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserProfileUpdated(Payload):
    """A profile changed; `changed` names the fields, not their values."""

    producer: ClassVar[str] = "users"
    personal: ClassVar[tuple[str, ...]] = ("email", "name")
    user_id: str
    email: str
    name: str
    language: str = "en"
    changed: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEmailVerified(Payload):
    """Somebody proved that mail to this address reaches them; what guests did under it is theirs."""

    producer: ClassVar[str] = "users"
    personal: ClassVar[tuple[str, ...]] = ("email",)
    user_id: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMailDue(Payload):
    """A mail about an account is to be written; a secret that belongs into it is sealed for whoever writes it."""

    producer: ClassVar[str] = "users"
    personal: ClassVar[tuple[str, ...]] = ("email", "name", "sealed_secret")
    user_id: str
    email: str
    name: str
    language: str
    topic: str
    sealed_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested(Payload):
    """Somebody asked for a new password under an address, known or not; only users itself can read which."""

    producer: ClassVar[str] = "users"
    sealed_email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserErasureRequested(Payload):
    """Whoever keeps something about this person removes it, or what makes it personal, and reports."""

    producer: ClassVar[str] = "users"
    user_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDataExportRequested(Payload):
    """Whoever keeps something about this person reports all of it."""

    producer: ClassVar[str] = "users"
    user_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserErased(Payload):
    """Nothing is kept about this person any more; what came in while it was being removed is removed now."""

    producer: ClassVar[str] = "users"
    user_id: str
    request_id: str
