"""The key that signs access tokens: made on first start, or given by setting."""

from __future__ import annotations

import hashlib
import os
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from kernel.errors import InfrastructureError


class SigningKeyError(InfrastructureError):
    """The signing key cannot be read, written or understood."""


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

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Read the key from a file; make the file first, for its owner's eyes only, when there is none.

        Of several processes that start at once, one makes the file and all read the same.
        """
        try:
            if not path.exists():
                _create(path, Ed25519PrivateKey.generate())
            return cls.from_pem(path.read_text())
        except OSError as error:
            raise SigningKeyError(f"The signing key {path} cannot be used: {error.strerror}.") from error

    def public_jwk(self) -> dict[str, Any]:
        """Describe the public half as a JSON Web Key."""
        return {**_public_members(self.private), "kid": self.kid, "use": "sig", "alg": "EdDSA"}


class KeySource:
    """Where the signing key comes from; it is fetched when the first token is signed or checked."""

    def __init__(self, *, path: Path, pem: str | None = None) -> None:
        self._path = path
        self._pem = pem

    @cached_property
    def signing(self) -> SigningKey:
        """The key that signs: the one given as PEM text, else the one of the file."""
        return SigningKey.from_pem(self._pem) if self._pem else SigningKey.load_or_create(self._path)


def _create(path: Path, private: Ed25519PrivateKey) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def _public_members(private: Ed25519PrivateKey) -> dict[str, str]:
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
