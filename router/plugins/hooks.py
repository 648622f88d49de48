"""The stages of a request at which a plugin may look at it, change it, or answer it.

    request -> operation -> (plan) -> fetch -> fetched -> answer
                                      event (of a subscription)

A stage that no plugin has overridden is not there: it costs nothing. Of several plugins each gets what the one before
it returned, in the order of the settings. Who answers in place of the next stage ends the way for the plugins behind.
"""

# ruff: noqa: ARG002 - what a hook does not need here, one that overrides it may
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.execution.exchange import GraphQLRequest, GraphQLResponse, RequestContext
    from router.execution.transports.port import SubgraphRequest, SubgraphResponse
    from router.planner.plan import QueryPlan
    from router.server.exchange import HttpRequest, Response


class Plugin:
    """Base of all plugins; override what you need. Keyword arguments of the class are its settings."""

    async def request(self, request: HttpRequest) -> HttpRequest | Response:
        """Take an HTTP request before anything is done with it; a response answers it."""
        return request

    async def operation(self, request: GraphQLRequest, context: RequestContext) -> GraphQLRequest | GraphQLResponse:
        """Take an operation of a caller who is known; a response answers it."""
        return request

    def plan(self, plan: QueryPlan, operation: str | None) -> None:
        """Look at a plan that was just made; this is called from another thread, once for each plan."""

    async def fetch(self, request: SubgraphRequest) -> SubgraphRequest | SubgraphResponse:
        """Take a request to a subgraph; a response takes the place of the subgraph's."""
        return request

    async def fetched(self, request: SubgraphRequest, response: SubgraphResponse) -> SubgraphResponse:
        """Take what a subgraph has answered."""
        return response

    async def event(self, request: SubgraphRequest, response: SubgraphResponse) -> SubgraphResponse:
        """Take an event of a subscription, as the subgraph sends it."""
        return response

    async def answer(self, request: HttpRequest, response: Response) -> Response:
        """Take the answer for the client; those that are streams do not pass here."""
        return response

    async def close(self) -> None:
        """Let go of what is held; called when nothing is asked any more."""


def overrides(plugin: Plugin, stage: str) -> bool:
    """Whether a plugin has something to do at a stage."""
    return getattr(type(plugin), stage) is not getattr(Plugin, stage)
