"""The published operations of all clients, found by id or by what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from router.config import ConfigError, RouterSettings
from router.operations.clients import CLIENTS_FILE, Client, read_clients
from router.operations.fingerprint import fingerprint, read
from router.operations.manifest import StoredOperation, read_manifest


class OperationList:
    """Finds published operations.

    Args:
        operations: all of them.

    Raises:
        ConfigError: two of a client have one id, or the text of one is no GraphQL.
    """

    def __init__(self, operations: Iterable[StoredOperation]) -> None:
        self._by_id: dict[tuple[str, str | None], StoredOperation] = {}
        self._by_fingerprint: dict[tuple[str, str | None], StoredOperation] = {}
        for each in operations:
            known = self._by_id.setdefault((each.id, each.client), each)
            if known.body != each.body:
                raise ConfigError(f"two operations of {each.client or 'all clients'} have the id '{each.id}'")
            document = read(each.body)
            if document is None:
                raise ConfigError(f"operation '{each.id}' of {each.client or 'all clients'} is not GraphQL")
            self._by_fingerprint[fingerprint(document), each.client] = each

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[StoredOperation]:
        return iter(self._by_id.values())

    def find(self, operation_id: str, client: str | None) -> StoredOperation | None:
        """Return the operation of this id that is meant for a client, or else for all."""
        return self._by_id.get((operation_id, client)) or self._by_id.get((operation_id, None))

    def match(self, mark: str, client: str | None) -> StoredOperation | None:
        """Return the operation that says the same as the document of a fingerprint."""
        return self._by_fingerprint.get((mark, client)) or self._by_fingerprint.get((mark, None))


def manifest_files(path: Path) -> tuple[Path, ...]:
    """Return the manifests at a path: the file itself, or all of a folder.

    Raises:
        ConfigError: there is nothing.
    """
    if path.is_dir():
        return tuple(sorted(path.glob("*.json")))
    if not path.exists():
        raise ConfigError(f"cannot read {path}: there is no such file or folder")
    return (path,)


def read_operations(path: Path) -> list[StoredOperation]:
    """Read the operations of a manifest, or of all manifests of a folder.

    Raises:
        ConfigError: one of them cannot be used.
    """
    return [operation for file in manifest_files(path) for operation in read_manifest(file)]


def clients_file(path: Path, named: str | None) -> Path | None:
    """Return the file of the clients: the one that the settings name, or the one in the folder, if there is one."""
    if named is not None:
        return Path(named)
    beside = (path if path.is_dir() else path.parent) / CLIENTS_FILE
    return beside if beside.exists() else None


def known_clients(path: Path, named: str | None) -> dict[str, Client] | None:
    """Return the clients that have keys, or None where no file names any.

    Raises:
        ConfigError: the file cannot be used.
    """
    file = clients_file(path, named)
    return None if file is None else read_clients(file)


def watched_files(settings: RouterSettings) -> tuple[Path, ...]:
    """Return the files, and the folder if it is one, whose change calls for a new release."""
    stored = settings.persisted_operations
    if stored.path is None:
        return ()
    path = Path(stored.path)
    clients = clients_file(path, stored.clients)
    folder = (path, *manifest_files(path)) if path.is_dir() else (path,)
    return folder if clients is None else (*folder, clients)
