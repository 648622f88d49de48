"""The two endpoints of the plan view: the router's own, over an engine that takes notes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from router.config import RouterSettings, SharingSettings
from router.execution.engine import Engine
from router.operations.resolver import OperationResolver
from router.server.callers import Callers
from router.server.endpoint import Executor, GraphQLEndpoint
from router.server.exchange import HttpRequest, Response
from router.server.explorer.paths import PLAN, RUN
from router.server.explorer.tracing import NotingEngine
from router.telemetry.correlation import RequestIds

Handler = Callable[[HttpRequest], Awaitable[Response]]


def plan_endpoints(
    engine: Executor, settings: RouterSettings, callers: Callers, operations: OperationResolver
) -> dict[str, Handler]:
    """Return what answers at the paths of the plan view, under the same rules as the router's endpoint.

    There are none over what is no engine of the router's, since that has no plans.
    """
    if not isinstance(engine, Engine):
        return {}
    # Notes are of one request: an answer that was made for another has none.
    alone = msgspec.structs.replace(settings, sharing=SharingSettings(requests=False, fetches=settings.sharing.fetches))

    def handler(noting: NotingEngine) -> Handler:
        endpoint, ids = GraphQLEndpoint(noting, alone, callers, operations), RequestIds()
        return lambda request: endpoint.answer(request, ids.of(request.headers))

    return {RUN: handler(NotingEngine(engine, run=True)), PLAN: handler(NotingEngine(engine, run=False))}
