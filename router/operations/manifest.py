"""Published operations as files: Apollo's manifest format, with an optional budget beside each operation.

A budget is this router's own addition; others pass over keys that they do not know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from router.config import ConfigError
from router.sections import Section, demand

FORMAT: Final = "apollo-persisted-query-manifest"


class Budget(Section, frozen=True, omit_defaults=True):
    """What one client may spend on one operation.

    Attributes:
        requests: how often it may be run in `seconds`; None leaves that open.
        seconds: the span of time in which requests are counted.
        cost: the most that one run may cost by the rules of demand control; None leaves that open.
    """

    requests: int | None = None
    seconds: float = 60.0
    cost: float | None = None

    def __post_init__(self) -> None:
        """Refuse a budget that allows nothing."""
        demand(self.requests is None or self.requests > 0, "requests must be more than 0")
        demand(self.seconds > 0, "seconds must be more than 0")
        demand(self.cost is None or self.cost > 0, "cost must be more than 0")


@dataclass(frozen=True, slots=True)
class StoredOperation:
    """An operation that was published.

    Attributes:
        id: by which clients name it; most use the SHA-256 of the text.
        body: the document.
        name: of the operation, for people.
        kind: query, mutation or subscription, for people.
        client: whose it is; None for all.
        budget: what may be spent on it.
    """

    id: str
    body: str
    name: str = ""
    kind: str = "query"
    client: str | None = None
    budget: Budget | None = None


class _Entry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"kind": "type", "client": "clientName"}
):
    id: str
    name: str = ""
    kind: str = ""
    body: str
    client: str | None = None
    budget: Budget | None = None


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: Literal["apollo-persisted-query-manifest"]
    version: Literal[1]
    operations: tuple[_Entry, ...]


def digest(document: str) -> str:
    """Return the id that most clients give a document: the SHA-256 of its text."""
    return hashlib.sha256(document.encode()).hexdigest()


def read_manifest(path: Path) -> tuple[StoredOperation, ...]:
    """Read the operations of a manifest.

    Raises:
        ConfigError: it cannot be read, or is no manifest.
    """
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is not a manifest of persisted operations: {error}") from error
    return tuple(
        StoredOperation(each.id, each.body, each.name, each.kind or "query", each.client, each.budget)
        for each in manifest.operations
    )


def write_manifest(path: Path, operations: Iterable[StoredOperation]) -> None:
    """Write a manifest in one step, so that a router that reads it meanwhile sees the old or the new one."""
    entries = tuple(
        _Entry(id=each.id, name=each.name, kind=each.kind, body=each.body, client=each.client, budget=each.budget)
        for each in operations
    )
    text = msgspec.json.encode(_Manifest(format=FORMAT, version=1, operations=entries))
    scratch = path.with_suffix(".json.new")
    scratch.write_bytes(msgspec.json.format(text, indent=2) + b"\n")
    scratch.replace(path)
