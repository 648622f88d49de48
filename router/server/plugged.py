"""A router whose requests and answers pass plugins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from typing_extensions import override

from router.plugins.hooks import Plugin, overrides
from router.server.app import RouterApp
from router.server.exchange import Answer, HttpRequest, Reply, Response
from router.traffic.calls import Call


class PluggedRouterApp(RouterApp):
    """Answers requests that plugins have seen, by answers that they have seen."""

    def __init__(self, *arguments: Any, plugins: Sequence[Plugin], **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._before = [each for each in plugins if overrides(each, "request")]
        self._after = [each for each in plugins if overrides(each, "answer")]

    @override
    def begin(self, request: HttpRequest, done: Callable[[Answer], None]) -> Call | None:
        """Let every request go the way on which plugins can be waited for."""
        return None if self._before or self._after else super().begin(request, done)

    @override
    async def _respond(self, request: HttpRequest, request_id: bytes) -> Reply:
        response: Reply | None = None
        for plugin in self._before:
            passed = await plugin.request(request)
            if not isinstance(passed, HttpRequest):
                response = passed
                break
            request = passed
        if response is None:
            response = await super()._respond(request, request_id)
        if isinstance(response, Response):
            for plugin in self._after:
                response = await plugin.answer(request, response)
        return response
