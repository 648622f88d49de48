"""Partners and their API keys: a file names them with the digests of the keys, so that whoever reads it has none.

    keys:
      - name: acme
        digest: "sha256:9f86d0…"
        scopes: ["catalogue:read"]
        expires_at: 2027-01-01T00:00:00Z

A key is as good as a token that says the same. Who sends a token too is who the token says, by way of that partner.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from router.config import ConfigError
from router.operations.clients import key_digest
from router.policy.identity import Identity, InvalidTokenError
from router.policy.token_settings import ApiKeySettings
from router.sections import Section, demand

_LONGEST_KEY = 512


class ApiKey(Section, frozen=True):
    """One key of a partner; a partner may have two while one is being replaced.

    Attributes:
        name: of the partner.
        digest: of the key, as `storegraph operations admit` writes it.
        scopes: what the partner may do.
        roles: what the partner is.
        kind: what subgraphs take the partner for.
        expires_at: when the key ends; None, and it does not.
    """

    name: str
    digest: str
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    kind: Literal["customer", "vendor", "staff"] = "customer"
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what is no digest, lest somebody writes the key itself, and times that mean another elsewhere."""
        demand(self.digest.startswith("sha256:") and len(self.digest) == 71, "digest must be sha256: and 64 digits")
        demand(self.expires_at is None or self.expires_at.tzinfo is not None, "expires_at must have a time zone")

    @property
    def identity(self) -> Identity:
        """Who comes with the key."""
        return Identity(
            id=f"partner:{self.name}",
            kind=self.kind,
            roles=frozenset(self.roles),
            scopes=frozenset(self.scopes),
            expires_at=float("inf") if self.expires_at is None else self.expires_at.timestamp(),
            client=self.name,
        )


class _File(Section, frozen=True):
    keys: tuple[ApiKey, ...] = ()


class ApiKeys:
    """Tells partners by their keys.

    Args:
        keys: all of them.
        header: in which one comes.
        clock: tells the time in seconds since 1970.
    """

    def __init__(self, keys: Iterable[ApiKey], header: str, clock: Callable[[], float] = time.time) -> None:
        self._identities = {each.digest: each.identity for each in keys}
        self._header = header.lower().encode()
        self._clock = clock

    def partner(self, headers: Mapping[bytes, bytes]) -> Identity | None:
        """Return the partner whose key came; None if none did.

        Raises:
            InvalidTokenError: the key is not known, or has ended.
        """
        key = headers.get(self._header)
        if key is None:
            return None
        # Looked up by its digest, a key cannot be guessed by how long the look-up takes.
        identity = self._identities.get(key_digest(key)) if len(key) <= _LONGEST_KEY else None
        if identity is None:
            raise InvalidTokenError("the API key is not known")
        if self._clock() >= identity.expires_at:
            raise InvalidTokenError("the API key has expired")
        return identity


def by_way_of(identity: Identity, partner: Identity | None) -> Identity:
    """Return somebody who asks by way of a partner: with both a token and a key, or with one of them."""
    if partner is None:
        return identity
    return partner if identity.id is None else replace(identity, client=partner.client)


def read_api_keys(settings: ApiKeySettings | None) -> ApiKeys | None:
    """Return the keys of a file.

    Raises:
        ConfigError: it cannot be read, or not be understood.
    """
    if settings is None:
        return None
    try:
        found = yaml.safe_load(Path(settings.path).read_text(encoding="utf-8")) or {}
        return ApiKeys(msgspec.convert(found, _File).keys, settings.header)
    except OSError as error:
        raise ConfigError(f"cannot read {settings.path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{settings.path} does not list API keys: {' '.join(str(error).split())}") from error
