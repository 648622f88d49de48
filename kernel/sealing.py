"""Sealing: what is secret at rest is encrypted and authenticated, under keys that can be rotated and destroyed.

`seal` and `unseal` are AES-256-GCM bound to a context, so that a sealed value cannot be moved to another place. A
`KeyRing` wraps other keys: its newest key wraps, all of them unwrap, so that rotating it re-encrypts only the small
wrapped keys.

InfrastructureError
└── UnsealError   a value was sealed under another key or for another place, or was tampered with
"""

from __future__ import annotations

import hmac
import os
from typing import Final
from uuid import uuid4

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kernel.errors import InfrastructureError
from kernel.secrets import SecretsError, SecretStore, update
from kernel.settings import Settings

_NONCE: Final = 12
_DOCUMENT: Final = "personal-data"


class UnsealError(InfrastructureError):
    """A sealed value does not open: another key, another place, or tampered with."""


def new_key() -> bytes:
    """Draw a key of 256 bits."""
    return AESGCM.generate_key(256)


def derive(secret: bytes, purpose: str) -> bytes:
    """Derive the key for one purpose from a secret with full entropy."""
    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret)


def seal(key: bytes, plain: bytes, *, context: str) -> bytes:
    """Encrypt a value for one place, which `context` names."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def unseal(key: bytes, sealed: bytes, *, context: str) -> bytes:
    """Decrypt a value in the place that it was sealed for.

    Raises:
        UnsealError: it does not open here.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise UnsealError(f"A sealed value does not open as {context.partition(':')[0]}.") from error


class _Stored(msgspec.Struct, frozen=True):
    """The document of a ring: wrapping keys, oldest first, and the secret of the blind index."""

    keys: dict[str, bytes]
    index: bytes


class KeyRing:
    """Wraps keys, and blinds texts so that they can be looked up without being readable.

    Its keys are a secret document, read when first needed and again when an unknown key turns up.
    """

    def __init__(self, store: SecretStore) -> None:
        self._store = store
        self._known: _Stored | None = None

    @property
    def newest(self) -> str:
        """Name the key that wraps now."""
        return list(self._ring.keys)[-1]

    def wrap(self, key: bytes, *, context: str) -> bytes:
        """Encrypt a key under the newest."""
        name = self.newest
        return name.encode() + b"." + seal(self._ring.keys[name], key, context=context)

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """Decrypt a key."""
        name, _, sealed = wrapped.partition(b".")
        wrapping = self._ring.keys.get(name.decode()) or self._read().keys.get(name.decode())
        if wrapping is None:
            raise UnsealError(f"The key {name.decode()} is not in the ring.")
        return unseal(wrapping, sealed, context=context)

    def blind(self, purpose: str, text: str) -> bytes:
        """Give the keyed hash of a text."""
        return hmac.digest(self._ring.index, f"{purpose}\0{text}".encode(), "sha256")

    def rotate(self) -> str:
        """Add a key that wraps from now on; give its name."""
        update(self._store, _DOCUMENT, lambda text: _spelled(_with_new_key(_parsed(text) if text else None)))
        self._read()
        return self.newest

    def reload(self) -> None:
        """Look for keys that another process added."""
        self._read()

    def forget_all_but_newest(self) -> None:
        """Remove the keys that wrap nothing any more."""

        def newest_only(text: str | None) -> str:
            ring = _parsed(text) if text else _with_new_key(None)
            return _spelled(_Stored(dict(list(ring.keys.items())[-1:]), ring.index))

        update(self._store, _DOCUMENT, newest_only)
        self._read()

    @property
    def _ring(self) -> _Stored:
        return self._known or self._read()

    def _read(self) -> _Stored:
        made = update(self._store, _DOCUMENT, lambda text: text or _spelled(_with_new_key(None)))
        self._known = _parsed(made.text)
        return self._known


def _with_new_key(ring: _Stored | None) -> _Stored:
    keys = dict(ring.keys) if ring else {}
    keys[uuid4().hex[:12]] = new_key()
    return _Stored(keys, ring.index if ring else new_key())


def _parsed(text: str) -> _Stored:
    try:
        return msgspec.json.decode(text, type=_Stored)
    except msgspec.DecodeError as error:
        raise SecretsError("The key ring of personal data cannot be understood.") from error


def _spelled(ring: _Stored) -> str:
    return msgspec.json.encode(ring).decode()


def mail_key(settings: Settings) -> bytes:
    """Give the key under which a secret travels to whoever writes the mail that it belongs into."""
    return derive(settings.internal_key.get_secret_value().encode(), "secrets on their way into a mail")
