"""How a subgraph asks the whole API on behalf of a person: through the router, with no more rights than theirs.

Unlike `calls`, which go from one subgraph to another in the caller's own name, this is for documents that people bring:
what they may see is decided where it always is, by the router and the subgraphs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kernel.errors import InfrastructureError


class SupergraphUnavailableError(InfrastructureError):
    """The router was not reached or gave no answer; asking later may help."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """In whose name is asked."""

    id: str
    email: str
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered; `data` is None when nothing was executed or all of it failed."""

    data: dict[str, Any] | None
    errors: Sequence[Mapping[str, Any]] = field(default=())

    @property
    def codes(self) -> frozenset[str]:
        """The codes of the errors."""
        return frozenset(str(each.get("extensions", {}).get("code", "")) for each in self.errors)


class Supergraph(Protocol):
    """Whoever can ask the whole API."""

    async def execute(
        self, document: str, variables: Mapping[str, Any], *, asker: Person, deadline: float = 10.0
    ) -> Answer:
        """Run a document as a person.

        Raises:
            SupergraphUnavailableError: no answer came.
        """
        ...


class NoSupergraph:
    """Stands where there is no router to ask, as when a schema alone is wanted."""

    async def execute(
        self,
        document: str,  # noqa: ARG002 # the arguments are those of the protocol
        variables: Mapping[str, Any],  # noqa: ARG002
        *,
        asker: Person,  # noqa: ARG002
        deadline: float = 10.0,  # noqa: ARG002
    ) -> Answer:
        """Refuse."""
        raise SupergraphUnavailableError("There is no router to ask here.")
