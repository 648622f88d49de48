"""HTTP routes of a subgraph behind the router's own server: what needs cookies and redirects is no GraphQL."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

from starlette.routing import BaseRoute, Router

from router.server.app import Mount
from router.server.exchange import HeaderBlock, HttpRequest, Response

_Message = MutableMapping[str, Any]


def mount(routes: Sequence[BaseRoute]) -> Mount:
    """Let Starlette's routes answer requests of the router's server."""
    app = Router(routes=list(routes))

    async def answer(request: HttpRequest) -> Response:
        started: _Message = {}
        body = bytearray()

        async def receive() -> _Message:
            return {"type": "http.request", "body": request.body or b"", "more_body": False}

        async def send(message: _Message) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            else:
                body.extend(message.get("body", b""))

        await app(_scope(request), receive, send)
        kept = [(name, value) for name, value in started["headers"] if name != b"content-length"]
        return Response(started["status"], HeaderBlock(kept), bytes(body))

    return answer


def _scope(request: HttpRequest) -> _Message:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query_string,
        "root_path": "",
        "headers": list(request.headers.items()),
    }
