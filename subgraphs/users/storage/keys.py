"""The keys that sign access tokens: a rotating set of them, or one that a setting fixes.

A key is published before it signs, so that everybody who checks tokens knows it by then, and stays published until the
last token that it signed has expired. So rotation logs nobody out.
"""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, Self

import msgspec
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from kernel.errors import InfrastructureError
from kernel.secrets import SecretStore, update

_DOCUMENT: Final = "access-tokens"
_LOOK_AGAIN: Final = 60.0


class SigningKeyError(InfrastructureError):
    """The signing key cannot be read or understood."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key with its name, which is the RFC 7638 thumbprint of its public half."""

    private: Ed25519PrivateKey
    kid: str

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> Self:
        """Name a key."""
        canonical = orjson.dumps(_public_members(private), option=orjson.OPT_SORT_KEYS)
        return cls(private, _base64url(hashlib.sha256(canonical).digest()))

    @classmethod
    def from_pem(cls, pem: str) -> Self:
        """Read a key from PEM text (PKCS 8, not encrypted)."""
        try:
            private = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SigningKeyError("The signing key is not an unencrypted PEM private key.") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise SigningKeyError("The signing key must be an Ed25519 key.")
        return cls.of(private)

    def public_jwk(self) -> dict[str, Any]:
        """Describe the public half as a JSON Web Key."""
        return {**_public_members(self.private), "kid": self.kid, "use": "sig", "alg": "EdDSA"}


class SigningKeys(Protocol):
    """Where the keys come from; they are fetched when the first token is signed or checked."""

    def signing(self, now: datetime) -> SigningKey:
        """Give the key that signs now."""
        ...

    def published(self, now: datetime) -> list[SigningKey]:
        """Give the keys whose tokens hold now or will soon."""
        ...


class FixedKey:
    """One key from a setting: PEM text, or a file with it."""

    def __init__(self, *, pem: str | None = None, path: Path | None = None) -> None:
        self._pem = pem
        self._path = path

    def signing(self, now: datetime) -> SigningKey:  # noqa: ARG002 - the protocol's
        """Give the key."""
        return self._key

    def published(self, now: datetime) -> list[SigningKey]:
        """Give the key."""
        return [self.signing(now)]

    @cached_property
    def _key(self) -> SigningKey:
        if self._pem is not None or self._path is None:
            return SigningKey.from_pem(self._pem or "")
        try:
            return SigningKey.from_pem(self._path.read_text())
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SigningKeyError(f"The signing key {self._path} cannot be used: {reason}.") from error


class _Entry(msgspec.Struct, frozen=True):
    """A key in the stored set: its private bytes, and since when it signs (seconds since 1970)."""

    private: bytes
    signs_from: float

    @property
    def key(self) -> SigningKey:
        return SigningKey.of(Ed25519PrivateKey.from_private_bytes(self.private))


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRules:
    """How long a key signs, how long before that it is published, and how long its tokens live."""

    every: timedelta = timedelta(days=90)
    announced: timedelta = timedelta(minutes=10)
    token_lifetime: timedelta = timedelta(minutes=15)


class RotatingKeys:
    """A set of keys in a secret document that all processes share.

    Args:
        store: where the document is kept.
        rules: how keys come and go.
        heirloom: the file in which an earlier version kept its only key; that one is taken over.
        monotonic: when to look for what other processes rotated is measured by this.
    """

    def __init__(
        self,
        store: SecretStore,
        rules: RotationRules,
        *,
        heirloom: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._rules = rules
        self._heirloom = heirloom
        self._monotonic = monotonic
        self._entries: list[tuple[_Entry, SigningKey]] = []
        self._read_at = float("-inf")

    def signing(self, now: datetime) -> SigningKey:
        """Give the newest key whose time has come."""
        known = self._current(now)
        return next((key for entry, key in reversed(known) if entry.signs_from <= now.timestamp()), known[0][1])

    def published(self, now: datetime) -> list[SigningKey]:
        """Give the next key, the one that signs, and those whose last tokens have not expired."""
        kept = _still_needed([entry for entry, _ in self._current(now)], now, self._rules)
        return [key for entry, key in self._entries if entry in kept]

    def rotate(self, now: datetime, *, compromised: bool = False) -> str:
        """Add a key; give its name.

        It signs when it has been published for a while; at once, and without the others, if those are compromised.
        """

        def changed(text: str | None) -> str:
            older: list[_Entry] = [] if compromised or text is None else _still_needed(_parsed(text), now, self._rules)
            starts = now if not older else now + self._rules.announced
            return _spelled([*older, _new_entry(starts)])

        self._take(update(self._store, _DOCUMENT, changed).text)
        return self._entries[-1][1].kid

    def rotate_when_due(self, now: datetime) -> bool:
        """Rotate where the newest key has signed for long enough; tell whether it was so."""
        self._read(now)
        due = now.timestamp() - self._entries[-1][0].signs_from >= self._rules.every.total_seconds()
        if due:
            self.rotate(now)
        return due

    def _current(self, now: datetime) -> list[tuple[_Entry, SigningKey]]:
        if self._monotonic() - self._read_at > _LOOK_AGAIN:
            self._read(now)
        return self._entries

    def _read(self, now: datetime) -> None:
        self._take(update(self._store, _DOCUMENT, lambda text: text or _spelled([self._first(now)])).text)

    def _take(self, text: str) -> None:
        self._entries = [(entry, entry.key) for entry in _parsed(text)]
        self._read_at = self._monotonic()

    def _first(self, now: datetime) -> _Entry:
        if self._heirloom is None or not self._heirloom.exists():
            return _new_entry(now)
        inherited = FixedKey(path=self._heirloom).signing(now)
        return _Entry(inherited.private.private_bytes_raw(), now.timestamp())


def _new_entry(signs_from: datetime) -> _Entry:
    return _Entry(Ed25519PrivateKey.generate().private_bytes_raw(), signs_from.timestamp())


def _still_needed(entries: list[_Entry], now: datetime, rules: RotationRules) -> list[_Entry]:
    """Leave out keys whose successor has signed for longer than a token lives."""
    ends = [entry.signs_from + rules.token_lifetime.total_seconds() + 60 for entry in entries[1:]]
    return [entry for entry, end in zip(entries, [*ends, float("inf")], strict=True) if now.timestamp() < end]


def _parsed(text: str) -> list[_Entry]:
    try:
        return msgspec.json.decode(text, type=list[_Entry])
    except msgspec.DecodeError as error:
        raise SigningKeyError("The set of signing keys cannot be understood.") from error


def _spelled(entries: list[_Entry]) -> str:
    return msgspec.json.encode(entries).decode()


def _public_members(private: Ed25519PrivateKey) -> dict[str, str]:
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
