"""The parts of an answer on their way to the client, and how the two formats spell them.

The specification's own format gives each fragment and list that is still to come an id, and tells when it is complete.
That of 2022, which many clients ask for, tells of each addition by its path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from typing_extensions import override

from router.execution.exchange import GraphQLErrorDict, GraphQLResponse

ClientPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A fragment, or later items of a list, still to come at one place."""

    id: str
    path: ClientPath
    label: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return what clients are told of it."""
        label = {} if self.label is None else {"label": self.label}
        return {"id": self.id, "path": list(self.path), **label}


@dataclass(frozen=True, slots=True)
class Addition:
    """Fields for the object at a path below a fragment's place."""

    sub_path: ClientPath
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A fragment that is complete at one place; where it failed, there are errors and nothing is added."""

    pending: Pending
    additions: tuple[Addition, ...] = ()
    errors: tuple[GraphQLErrorDict, ...] = ()
    failed: bool = False

    def incremental(self) -> Iterator[dict[str, Any]]:
        """Yield what is added, in the format of the specification; errors stand with the first."""
        told = {"errors": list(self.errors)} if self.errors else {}
        for number, addition in enumerate(() if self.failed else self.additions):
            sub_path = {"subPath": list(addition.sub_path)} if addition.sub_path else {}
            yield {"id": self.pending.id, **sub_path, **({} if number else told), "data": addition.data}

    def completed(self) -> dict[str, Any]:
        """Return the word that nothing else will come."""
        told = self.errors and (self.failed or not self.additions)
        return {"id": self.pending.id, **({"errors": list(self.errors)} if told else {})}

    def incremental_2022(self) -> Iterator[dict[str, Any]]:
        """Yield what is added, in the format of 2022."""
        nothing: Mapping[str, Any] | None = None if self.failed else {}
        parts = [(each.sub_path, each.data) for each in self.additions] or [((), nothing)]
        told = {"errors": list(self.errors)} if self.errors else {}
        for number, (sub_path, data) in enumerate(parts):
            place = {**self.pending.as_dict(), "path": [*self.pending.path, *sub_path]}
            del place["id"]
            yield {"data": data, **place, **({} if number else told)}


@dataclass(frozen=True, slots=True)
class ListPart(Part):
    """The later items of a list, from an index on; where one is null that must not be, there are none."""

    items: Sequence[Any] = ()
    start: int = 0

    @override
    def incremental(self) -> Iterator[dict[str, Any]]:
        told = {"errors": list(self.errors)} if self.errors else {}
        if not self.failed:
            yield {"id": self.pending.id, **told, "items": self.items}

    @override
    def completed(self) -> dict[str, Any]:
        return {"id": self.pending.id, **({"errors": list(self.errors)} if self.failed else {})}

    @override
    def incremental_2022(self) -> Iterator[dict[str, Any]]:
        place = {**self.pending.as_dict(), "path": [*self.pending.path, self.start]}
        del place["id"]
        told = {"errors": list(self.errors)} if self.errors else {}
        yield {"items": None if self.failed else self.items, **place, **told}


@dataclass(frozen=True, slots=True)
class Payload:
    """One part of an answer on its way to the client; `response` begins it and stands in the first only.

    `extensions` are told besides.
    """

    response: GraphQLResponse | None = None
    pending: tuple[Pending, ...] = ()
    parts: tuple[Part, ...] = ()
    has_next: bool = False
    extensions: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the payload in the specification's format."""
        payload = {} if self.response is None else self.response.as_dict()
        if self.pending:
            payload["pending"] = [each.as_dict() for each in self.pending]
        if incremental := [each for part in self.parts for each in part.incremental()]:
            payload["incremental"] = incremental
        if self.parts:
            payload["completed"] = [part.completed() for part in self.parts]
        return self._ended(payload)

    def as_dict_2022(self) -> dict[str, Any]:
        """Return the payload in the format of 2022, which most clients of today ask for."""
        payload = {} if self.response is None else self.response.as_dict()
        if self.parts:
            payload["incremental"] = [each for part in self.parts for each in part.incremental_2022()]
        return self._ended(payload)

    def _ended(self, payload: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {} if self.extensions is None else {"extensions": dict(self.extensions)}
        return payload | told | {"hasNext": self.has_next}
