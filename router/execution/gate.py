"""What stands between an operation that is valid and its run: the port through which the engine asks.

The engine knows nothing of scopes, limits and costs. It shows each operation once to its gate, off the event loop, and
gets a `Study` of it, or None where nothing about the operation will ever matter. Each request is then put to the study.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NoReturn, Protocol, TypeAlias

from graphql import DocumentNode

from router.execution.assembly import Assembling
from router.execution.compiler import Program
from router.execution.compiler.program import NOTHING_WITHHELD, Withheld
from router.execution.documents import Document
from router.execution.errors import TransportError
from router.execution.exchange import GraphQLRequest, GraphQLResponse, RequestContext
from router.execution.transports.port import Sender, SubgraphRequest, SubgraphResponse
from router.traffic.calls import Done

ALL: Final = 0
"""The share of those from whom nothing is withheld."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is left of an operation for those who may not have all of it.

    Attributes:
        document: what is planned and fetched; None if that is nothing.
        withheld: what is said of the rest.
    """

    document: DocumentNode | None
    withheld: Withheld = NOTHING_WITHHELD


Weigh: TypeAlias = Callable[[GraphQLResponse], GraphQLResponse]
"""Looks at an answer and returns what is answered; the answer itself may be that of others too."""


class WeighedAssembly:
    """Does what another assembly does, and has its answer looked at."""

    __slots__ = ("_inner", "_weigh", "ask", "fail", "take")

    def __init__(self, inner: Assembling, weigh: Weigh) -> None:
        self._inner = inner
        self._weigh = weigh
        self.ask = inner.ask
        self.take = inner.take
        self.fail = inner.fail

    def respond(self) -> GraphQLResponse:
        """Return the answer; all fetches are done."""
        return self._weigh(self._inner.respond())


@dataclass(frozen=True, slots=True)
class Passage:
    """What goes with an operation that may run.

    Attributes:
        weigh: looks at its answer, if that is wanted.
        closed: what is said for subgraphs that it must not ask.
    """

    weigh: Weigh | None = None
    closed: Mapping[str, TransportError] = field(default_factory=dict)

    def senders(self, senders: Mapping[str, Sender]) -> Mapping[str, Sender]:
        """Return the ways to the subgraphs, without those that it must not take."""
        return {**senders, **{name: partial(_refuse, error) for name, error in self.closed.items()}}


OPEN: Final = Passage()


def _refuse(error: TransportError, _request: SubgraphRequest, _done: Done[SubgraphResponse]) -> NoReturn:
    raise error


class Study(Protocol):
    """What the gate knows of one operation."""

    def share(self, request: GraphQLRequest, variables: Mapping[str, Any], context: RequestContext) -> Hashable | None:
        """Return which share of the operation a request gets: `ALL`, or another name for one; None if that takes time.

        Requests with the same share have the same plan.

        Raises:
            RequestError: it gets none.
        """
        ...

    async def ask(self, request: GraphQLRequest, variables: Mapping[str, Any], context: RequestContext) -> Hashable:
        """Return the same, whatever it takes.

        Raises:
            RequestError: it gets none.
        """
        ...

    def part(self, share: Hashable, conditions: Mapping[str, bool]) -> Part:
        """Return what a share consists of, for one variant of the operation."""
        ...

    def learn(self, program: Program) -> None:
        """Look at a program that was compiled for the operation, off the event loop."""
        ...

    def check(
        self, program: Program, variables: Mapping[str, Any], request: GraphQLRequest, context: RequestContext
    ) -> Passage:
        """Look at what would be fetched, and return what goes with it.

        Raises:
            RequestError: it must not be.
        """
        ...


class Gate(Protocol):
    """Looks at operations before they are planned."""

    def study(self, document: Document, name: str | None) -> Study | None:
        """Look at an operation; None if nothing about it will ever matter.

        Raises:
            RequestError: it is refused, whoever asks.
        """
        ...
