"""Subscriptions as the engine sees them: where the events come from, and how each becomes an answer.

The first fetch of a subscription's plan opens a stream in one subgraph. Every event of it is the answer to that fetch,
and what the plan fetches besides is fetched for each event anew. How long a subscription lives, who listens to it and
what is done when somebody listens slowly is not told here but in `router.subscriptions`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from router.execution.assembly import Assembling, Assembly
from router.execution.compiler import Program
from router.execution.errors import StreamNotCarriedError
from router.execution.exchange import GraphQLResponse, RequestContext
from router.execution.json_text import write_json
from router.execution.run import Run
from router.execution.transports.port import StreamTransport, SubgraphRequest, SubgraphResponse
from router.planner.plan import Fetch

Start = Callable[[Program, Mapping[str, Any], RequestContext, Assembling], Run]
"""Makes the run of a program."""


@dataclass(frozen=True, slots=True, eq=False)
class EventStream:
    """A subscription with its variables, ready to be opened.

    Attributes:
        program: what each event runs.
        variables: the client's, coerced.
        transport: opens the stream.
        run: makes the run of an event.
        max_errors: how many errors an event lists at most.
    """

    program: Program
    variables: Mapping[str, Any]
    transport: StreamTransport | None
    run: Start
    max_errors: int

    @property
    def source(self) -> Fetch:
        """The fetch that opens the stream."""
        return self.program.starts[0]

    @property
    def key(self) -> tuple[Program, bytes]:
        """Return what two subscriptions of one caller have in common if they see the same events."""
        return self.program, write_json(self.variables)

    def open(self, context: RequestContext) -> AsyncGenerator[SubgraphResponse]:
        """Open the stream in its subgraph; closing the generator closes it.

        Raises:
            TransportError: the stream cannot be opened, or breaks.
        """
        source = self.source
        if self.transport is None:
            raise StreamNotCarriedError(f"no protocol for subscriptions is set for '{source.subgraph}'")
        variables = {name: self.variables[name] for name in source.variables if name in self.variables}
        return self.transport.open(
            SubgraphRequest(
                self.program.operations[source.id],
                variables,
                context.headers_for(source.subgraph),
                identity=context.identity,
                value=context.value,
                trace=context.trace,
            )
        )

    def complete(self, event: SubgraphResponse, context: RequestContext) -> asyncio.Future[GraphQLResponse]:
        """Return the answer that an event becomes; cancelling it cancels the requests under way."""
        run = self.run(self.program, self.variables, context, Assembly(self.program, self.max_errors))
        return run.resume(self.source, event)

    def continues(self, other: EventStream) -> bool:
        """Tell whether the events of another stream can be completed as this one's: they are asked for alike."""
        same_source = self.source == other.source and self.transport == other.transport
        return same_source and self.variables == other.variables
