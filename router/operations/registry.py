"""The folder of published operations, as `storegraph operations` changes it: one manifest for each client.

A router that reads the folder takes over each change as a whole; it holds nothing but files, so that it can live in
version control and be delivered like any other configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from graphql import OperationDefinitionNode

from router.config import ConfigError
from router.operations.clients import CLIENTS_FILE, Client, new_key, read_clients, write_clients
from router.operations.fingerprint import read
from router.operations.manifest import StoredOperation, digest, read_manifest, write_manifest

_FOR_ALL: Final = "all-clients"
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,99}").fullmatch


class RegistryError(Exception):
    """A change that is refused; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of operations that were published."""

    added: tuple[StoredOperation, ...]
    known: tuple[StoredOperation, ...]


class Registry:
    """A folder of manifests.

    Args:
        folder: where they are; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def operations(self, client: str | None) -> tuple[StoredOperation, ...]:
        """Return what is published for a client, without what is for all; None stands for what is for all.

        Raises:
            ConfigError: the manifest cannot be used.
        """
        path = self._path(client)
        return read_manifest(path) if path.exists() else ()

    def publish(self, client: str | None, operations: Iterable[StoredOperation]) -> Publication:
        """Add operations to those of a client.

        Raises:
            RegistryError: an id is taken by an operation that says something else.
            ConfigError: the manifest cannot be used.
        """
        before = {each.id: each for each in self.operations(client)}
        added: dict[str, StoredOperation] = {}
        known: list[StoredOperation] = []
        for each in operations:
            other = before.get(each.id) or added.get(each.id)
            if other is None:
                added[each.id] = each
            elif other.body == each.body:
                known.append(each)
            else:
                raise RegistryError(
                    f"the id '{each.id}' is taken by another operation: clients in use would get that one"
                )
        if added:
            self._write(client, (*before.values(), *added.values()))
        return Publication(tuple(added.values()), tuple(known))

    def retire(self, client: str | None, ids: Iterable[str]) -> None:
        """Take operations from a client's list.

        Raises:
            RegistryError: one is not in it.
            ConfigError: the manifest cannot be used.
        """
        left = {each.id: each for each in self.operations(client)}
        for each in ids:
            if left.pop(each, None) is None:
                raise RegistryError(f"no operation '{each}' is published for {client or 'all clients'}")
        self._write(client, left.values())

    def clients(self) -> Mapping[str, Client]:
        """Return the clients that are known.

        Raises:
            ConfigError: their file cannot be used.
        """
        path = self._folder / CLIENTS_FILE
        return read_clients(path) if path.exists() else {}

    def admit(self, client: str, contact: str | None) -> str:
        """Give a client an API key beside those that it has, and return it; only its digest is kept.

        Raises:
            RegistryError: the name is none.
            ConfigError: the file of the clients cannot be used.
        """
        _insist_on_name(client)
        clients = dict(self.clients())
        key, kept = new_key()
        before = clients.get(client, Client())
        clients[client] = Client(keys=(*before.keys, kept), contact=contact or before.contact)
        self._folder.mkdir(parents=True, exist_ok=True)
        write_clients(self._folder / CLIENTS_FILE, clients)
        return key

    def _path(self, client: str | None) -> Path:
        if client is not None:
            _insist_on_name(client)
        return self._folder / f"{client or _FOR_ALL}.json"

    def _write(self, client: str | None, operations: Iterable[StoredOperation]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        write_manifest(self._path(client), operations)


def _insist_on_name(client: str) -> None:
    if not _NAME(client) or client == _FOR_ALL:
        raise RegistryError(f"'{client}' is no name for a client: letters, digits, dots and hyphens only")


def read_publication(path: Path, client: str | None) -> tuple[StoredOperation, ...]:
    """Read what is to be published: a manifest, or a document of one operation whose id is its digest.

    Raises:
        ConfigError: it is neither.
    """
    if path.suffix in (".graphql", ".gql"):
        return (_single(path, client),)
    found = read_manifest(path)
    for each in found:
        if each.client not in (None, client):
            raise ConfigError(f"{path} holds operations of '{each.client}': publish them with --client {each.client}")
    return tuple(replace(each, client=client) for each in found)


def _single(path: Path, client: str | None) -> StoredOperation:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    document = read(text)
    found = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)] if document else []
    if len(found) != 1:
        raise ConfigError(f"{path} must hold one operation, and holds {len(found)}")
    name = found[0].name.value if found[0].name else ""
    return StoredOperation(digest(text), text, name, found[0].operation.value, client)
