"""The two endpoints of the plan view: the router's own, over an engine that takes notes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from router.config import RouterSettings, SharingSettings
from router.execution.engine import Engine
from router.operations.resolver import OperationResolver
from router.rates.executor import RateLimitedExecutor
from router.rates.limiter import RateLimiter
from router.server.callers import Callers
from router.server.endpoint import Executor, GraphQLEndpoint
from router.server.exchange import HttpRequest, Reply
from router.server.explorer.paths import PLAN, RUN
from router.server.explorer.tracing import NotingEngine
from router.server.streams.client import StreamServices
from router.server.streams.endpoint import StreamEndpoint
from router.telemetry.correlation import RequestIds

Handler = Callable[[HttpRequest], Awaitable[Reply]]


def plan_endpoints(
    engine: Executor,
    settings: RouterSettings,
    callers: Callers,
    operations: OperationResolver,
    streams: StreamEndpoint,
    *,
    limiter: RateLimiter | None = None,
) -> dict[str, Handler]:
    """Return what answers at the paths of the plan view, under the same rules as the router's endpoint.

    There are none over what is no engine of the router's, since that has no plans. Streams live as long as those of
    `streams` do, and what is asked here counts with everything else by the rules of `limiter`.
    """
    if not isinstance(engine, Engine):
        return {}
    # Notes are of one request: an answer that was made for another has none.
    alone = msgspec.structs.replace(settings, sharing=SharingSettings(requests=False, fetches=settings.sharing.fetches))

    ids = RequestIds()
    running, planning = NotingEngine(engine, run=True), NotingEngine(engine, run=False)
    limited, counted = (
        None if limiter is None else RateLimitedExecutor(noting, limiter) for noting in (running, planning)
    )
    run = GraphQLEndpoint(running, alone, callers, operations, limited=limited)
    plan = GraphQLEndpoint(planning, alone, callers, operations, limited=counted)
    noted = StreamEndpoint(StreamServices(running, callers, operations, settings.subscriptions, limited), alone, run)
    streams.beside = noted
    return {
        RUN: lambda request: noted.answer(request, ids.of(request.headers)),
        PLAN: lambda request: plan.answer(request, ids.of(request.headers)),
    }
