"""The clients that have lists of their own, and how they prove who they are.

A file names them with the digests of their API keys, so that whoever reads the file cannot call in their name:

    clients:
      acme:
        keys: ["sha256:9f86d0…"]
        contact: integrations@acme.example
      web: {}

A client without keys, such as a web page, can keep no secret: its name is taken as it comes.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import yaml

from router.config import ConfigError
from router.operations.errors import ClientRefusedError
from router.sections import Section

CLIENTS_FILE: Final = "clients.yaml"
_PREFIX: Final = "sha256:"
_KEY_BYTES: Final = 32


class Client(Section, frozen=True, omit_defaults=True):
    """One client.

    Attributes:
        keys: digests of the API keys that are good now; two while a key is being replaced.
        contact: whom to tell before one of its operations breaks.
    """

    keys: tuple[str, ...] = ()
    contact: str | None = None


class _File(Section, frozen=True):
    clients: dict[str, Client] = msgspec.field(default_factory=dict)


def read_clients(path: Path) -> dict[str, Client]:
    """Read the clients of a file.

    Raises:
        ConfigError: it cannot be read, or not be understood.
    """
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, _File).clients
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path} does not list clients: {' '.join(str(error).split())}") from error


def write_clients(path: Path, clients: Mapping[str, Client]) -> None:
    """Write a file of clients in one step."""
    scratch = path.with_suffix(".yaml.new")
    scratch.write_text(yaml.safe_dump(msgspec.to_builtins(_File(clients=dict(clients))), sort_keys=True))
    scratch.replace(path)


def new_key() -> tuple[str, str]:
    """Make an API key; return it and its digest, which alone is kept."""
    key = secrets.token_urlsafe(_KEY_BYTES)
    return key, key_digest(key.encode())


def key_digest(key: bytes) -> str:
    """Return what is kept of an API key. It is long and random, so that one plain digest is enough."""
    return _PREFIX + hashlib.sha256(key).hexdigest()


class ClientGate:
    """Tells which client sent a request.

    Args:
        clients: those that are known; None where no file names any, and then each is who it says.
        name_header: in which a client names itself.
        key_header: in which it proves that.
    """

    def __init__(self, clients: Mapping[str, Client] | None, name_header: str, key_header: str) -> None:
        self._clients = clients
        self._name_header = name_header.lower().encode()
        self._key_header = key_header.lower().encode()

    def identify(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Return the name of the client; None for one that is not known.

        Raises:
            ClientRefusedError: it names a client whose key it does not have.
        """
        given = headers.get(self._name_header)
        if given is None:
            return None
        name = given.decode("latin-1")
        if self._clients is None:
            return name
        client = self._clients.get(name)
        if client is None:
            return None
        if client.keys and key_digest(headers.get(self._key_header, b"")) not in client.keys:
            raise ClientRefusedError(name)
        return name
