"""Where plugins are called: at the engine, and on the ways to subgraphs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import structlog
from typing_extensions import override

from router.execution.engine import Engine
from router.execution.errors import ExecutionError, RequestError
from router.execution.exchange import ANONYMOUS, GraphQLRequest, GraphQLResponse, Outcome, RequestContext
from router.execution.incremental import Payload
from router.execution.run import Run
from router.execution.streaming import EventStream
from router.execution.transports.port import StreamTransport, SubgraphRequest, SubgraphResponse, SubgraphTransport
from router.plugins.hooks import Plugin, overrides

_LOG: Final = structlog.get_logger("router.plugins")


class PluggedEngine(Engine):
    """An engine whose operations pass plugins first."""

    def __init__(self, *arguments: Any, plugins: Sequence[Plugin], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._plugins = plugins

    @override
    async def execute(self, request: GraphQLRequest, context: RequestContext = ANONYMOUS) -> GraphQLResponse:
        """Answer a request, unless a plugin does."""
        passed = await self._pass_plugins(request, context)
        return passed if isinstance(passed, GraphQLResponse) else await super().execute(passed, context)

    @override
    def ready(self, request: GraphQLRequest, context: RequestContext = ANONYMOUS) -> Run | None:
        """Let every request go the way on which plugins can be waited for."""
        return None

    @override
    async def execute_incremental(
        self, request: GraphQLRequest, context: RequestContext = ANONYMOUS
    ) -> AsyncGenerator[Payload]:
        """Answer a request in parts, unless a plugin answers it."""
        passed = await self._pass_plugins(request, context)
        if isinstance(passed, GraphQLResponse):
            yield Payload(passed)
            return
        async with aclosing(super().execute_incremental(passed, context)) as parts:
            async for part in parts:
                yield part

    @override
    async def stream(self, request: GraphQLRequest, context: RequestContext = ANONYMOUS) -> EventStream:
        """Return the stream of a subscription, which a plugin can only change or refuse."""
        for plugin in self._plugins:
            passed = await plugin.operation(request, context)
            if isinstance(passed, GraphQLResponse):
                raise RequestError("; ".join(str(error.get("message")) for error in passed.errors) or "Refused.")
            request = passed
        return await super().stream(request, context)

    async def _pass_plugins(self, request: GraphQLRequest, context: RequestContext) -> GraphQLRequest | GraphQLResponse:
        try:
            for plugin in self._plugins:
                passed = await plugin.operation(request, context)
                if isinstance(passed, GraphQLResponse):
                    return passed
                request = passed
        except RequestError as error:
            return GraphQLResponse(Outcome.REFUSED, errors=error.as_dicts())
        except Exception:
            _LOG.exception("a plugin failed", stage="operation")
            return GraphQLResponse(Outcome.FAILED, errors=ExecutionError("Internal error").as_dicts())
        return request


class PluggedTransport:
    """A way to a subgraph that passes plugins."""

    def __init__(self, inner: SubgraphTransport, before: Sequence[Plugin], after: Sequence[Plugin]) -> None:
        self._inner = inner
        self._before = before
        self._after = after

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Send a request, unless a plugin answers it."""
        response = None
        for plugin in self._before:
            passed = await plugin.fetch(request)
            if isinstance(passed, SubgraphResponse):
                response = passed
                break
            request = passed
        if response is None:
            response = await self._inner.send(request)
        for plugin in self._after:
            response = await plugin.fetched(request, response)
        return response


class PluggedStreams:
    """Streams of a subgraph whose events pass plugins."""

    def __init__(self, inner: StreamTransport, plugins: Sequence[Plugin]) -> None:
        self._inner = inner
        self._plugins = plugins

    async def open(self, request: SubgraphRequest) -> AsyncGenerator[SubgraphResponse]:
        """Open a stream."""
        async with aclosing(self._inner.open(request)) as events:
            async for event in events:
                for plugin in self._plugins:
                    event = await plugin.event(request, event)  # noqa: PLW2901 - each takes what the one before made
                yield event


def plugged_transports(
    transports: Mapping[str, SubgraphTransport], plugins: Sequence[Plugin]
) -> Mapping[str, SubgraphTransport]:
    """Return transports that pass the plugins with something to do there."""
    before = [each for each in plugins if overrides(each, "fetch")]
    after = [each for each in plugins if overrides(each, "fetched")]
    if not before and not after:
        return transports
    return {name: PluggedTransport(each, before, after) for name, each in transports.items()}


def plugged_streams(streams: Mapping[str, StreamTransport], plugins: Sequence[Plugin]) -> Mapping[str, StreamTransport]:
    """Return streams that pass the plugins with something to do there."""
    chosen = [each for each in plugins if overrides(each, "event")]
    return {name: PluggedStreams(each, chosen) for name, each in streams.items()} if chosen else streams
