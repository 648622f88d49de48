"""Secrets that several processes share and that change with time: key rings, kept in files or in Vault.

A document is read whole and replaced whole, and only by whoever read its newest version: two processes that make or
rotate a key at the same moment end up with one key.

InfrastructureError
└── SecretsError             a document cannot be read or written
    └── SecretConflictError  somebody else replaced it since it was read
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import httpx2 as httpx

from kernel.errors import InfrastructureError
from kernel.settings import Settings

_VAULT_SECONDS: Final = 5.0
_TRIES: Final = 5


class SecretsError(InfrastructureError):
    """A document cannot be read or written."""


class SecretConflictError(SecretsError):
    """Somebody else replaced the document since it was read."""


@dataclass(frozen=True, slots=True)
class Document:
    """A secret text and the version that names it."""

    text: str
    version: str

    def __repr__(self) -> str:
        return f"Document(version={self.version!r})"


class SecretStore(Protocol):
    """Where secret documents are kept. Calls block; an event loop makes them on a thread."""

    def read(self, name: str) -> Document | None:
        """Give the newest version of a document, if there is one."""
        ...

    def write(self, name: str, text: str, *, replaces: Document | None) -> Document:
        """Store a new version in place of the one that was read; None where there was none.

        Raises:
            SecretConflictError: there is a newer one by now.
        """
        ...


def update(store: SecretStore, name: str, change: Callable[[str | None], str]) -> Document:
    """Replace a document by what `change` makes of its newest version; does nothing where that is the same.

    Raises:
        SecretConflictError: others replaced it again and again meanwhile.
    """
    for _ in range(_TRIES):
        found = store.read(name)
        wanted = change(found.text if found else None)
        if found is not None and wanted == found.text:
            return found
        try:
            return store.write(name, wanted, replaces=found)
        except SecretConflictError:
            continue
    raise SecretConflictError(f"The secret {name} is being replaced all the time.")


@dataclass(frozen=True, slots=True)
class FileSecrets:
    """Keeps each document in a file of one folder, for its owner's eyes only."""

    folder: Path

    def read(self, name: str) -> Document | None:
        """Read a file, if it is there."""
        with _told(self._path(name)):
            try:
                text = self._path(name).read_text()
            except FileNotFoundError:
                return None
        return Document(text, hashlib.sha256(text.encode()).hexdigest())

    def write(self, name: str, text: str, *, replaces: Document | None) -> Document:
        """Replace a file in one step; processes that write at once take turns."""
        path = self._path(name)
        with _told(path), self._locked():
            if self.read(name) != replaces:
                raise SecretConflictError(f"The secret {name} was replaced meanwhile.")
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        return Document(text, hashlib.sha256(text.encode()).hexdigest())

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    @contextmanager
    def _locked(self) -> Generator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(self.folder / ".lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Vault:
    """The HTTP API of HashiCorp Vault (and of OpenBao, which speaks the same)."""

    def __init__(
        self, address: str, token: str, *, namespace: str = "", transport: httpx.BaseTransport | None = None
    ) -> None:
        headers = {"x-vault-token": token, **({"x-vault-namespace": namespace} if namespace else {})}
        self._client = httpx.Client(
            base_url=f"{address.rstrip('/')}/v1/", headers=headers, timeout=_VAULT_SECONDS, transport=transport
        )

    def call(self, method: str, path: str, body: dict[str, object] | None = None) -> httpx.Response:
        """Send a request; an answer of any status comes back.

        Raises:
            SecretsError: Vault cannot be reached or does not let us in.
        """
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise SecretsError(f"Vault cannot be reached: {type(error).__name__}.", retryable=True) from error
        if answer.status_code in {401, 403}:
            raise SecretsError("Vault refuses our token.")
        if answer.status_code >= 500:
            raise SecretsError(f"Vault answers {answer.status_code}; it may be sealed.", retryable=True)
        return answer


@dataclass(frozen=True, slots=True)
class VaultSecrets:
    """Keeps each document as a secret of a KV version 2 engine, replaced by check-and-set."""

    vault: Vault
    mount: str
    path: str

    def read(self, name: str) -> Document | None:
        """Read the newest version of a secret."""
        answer = self.vault.call("GET", self._address(name))
        if answer.status_code == 404:
            return None
        try:
            found = answer.raise_for_status().json()["data"]
            return Document(found["data"]["document"], str(found["metadata"]["version"]))
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            raise SecretsError(f"Vault has no usable secret at {self._address(name)}.") from error

    def write(self, name: str, text: str, *, replaces: Document | None) -> Document:
        """Write the next version, unless somebody else did."""
        expected = int(replaces.version) if replaces else 0
        body: dict[str, object] = {"options": {"cas": expected}, "data": {"document": text}}
        answer = self.vault.call("POST", self._address(name), body)
        if answer.status_code == 400 and "check-and-set" in answer.text:
            raise SecretConflictError(f"The secret {name} was replaced meanwhile.")
        if not answer.is_success:
            raise SecretsError(f"Vault does not store {self._address(name)}: {answer.status_code}.")
        return Document(text, str(answer.json()["data"]["version"]))

    def _address(self, name: str) -> str:
        return f"{self.mount}/data/{self.path}/{name}"


@dataclass(frozen=True, slots=True)
class TransitSecrets:
    """Lets Vault's transit engine encrypt documents before another store keeps them: a copy of it opens nothing."""

    vault: Vault
    key: str
    kept_in: SecretStore

    def read(self, name: str) -> Document | None:
        """Read a document and let Vault decrypt it."""
        found = self.kept_in.read(name)
        if found is None:
            return None
        plain = self._ask("decrypt", {"ciphertext": found.text})["plaintext"]
        return Document(b64decode(str(plain)).decode(), found.version)

    def write(self, name: str, text: str, *, replaces: Document | None) -> Document:
        """Let Vault encrypt a document and keep that."""
        sealed = str(self._ask("encrypt", {"plaintext": b64encode(text.encode()).decode()})["ciphertext"])
        # Encrypting twice gives two ciphertexts, so a version is compared by its name alone.
        before = self.kept_in.read(name)
        if (before.version if before else None) != (replaces.version if replaces else None):
            raise SecretConflictError(f"The secret {name} was replaced meanwhile.")
        return Document(text, self.kept_in.write(name, sealed, replaces=before).version)

    def _ask(self, action: str, body: dict[str, object]) -> Mapping[str, object]:
        answer = self.vault.call("POST", f"transit/{action}/{self.key}", body)
        if not answer.is_success:
            raise SecretsError(f"Vault's transit engine answers {answer.status_code} to {action}.")
        return answer.json()["data"]


def secret_store(settings: Settings) -> SecretStore:
    """Give the store that the settings name: Vault where its address is given, else files in the data directory."""
    if not settings.vault_address:
        return FileSecrets(settings.data_dir / "keys")
    token = settings.vault_token.get_secret_value()
    vault = Vault(settings.vault_address, token, namespace=settings.vault_namespace)
    kept = VaultSecrets(vault, settings.vault_mount, settings.vault_path)
    return TransitSecrets(vault, settings.vault_transit_key, kept) if settings.vault_transit_key else kept


@contextmanager
def _told(path: Path) -> Generator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        raise SecretsError(f"The secret {path} cannot be used: {getattr(error, 'strerror', 'not text')}.") from error
