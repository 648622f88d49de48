"""Plugins: Python code of an operator, called at every stage of a request.

    from router.plugins import Plugin

What a plugin may meet in its hooks can be imported from here.
"""

from router.execution.exchange import GraphQLRequest, GraphQLResponse, Outcome, RequestContext
from router.execution.transports.port import SubgraphRequest, SubgraphResponse
from router.planner.plan import QueryPlan
from router.plugins.hooks import Plugin
from router.server.exchange import HeaderBlock, HttpRequest, Response, json_response

__all__ = [
    "GraphQLRequest",
    "GraphQLResponse",
    "HeaderBlock",
    "HttpRequest",
    "Outcome",
    "Plugin",
    "QueryPlan",
    "RequestContext",
    "Response",
    "SubgraphRequest",
    "SubgraphResponse",
    "json_response",
]
