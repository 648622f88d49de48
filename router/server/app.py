"""The router as a bare ASGI application: no framework stands between the socket and the engine.

`create_router_app` is the whole public face. The same application is served by the `router` command, by several worker
processes, and by a program that embeds the router beside its subgraphs.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from typing import Final

import structlog

from router.config import RouterSettings
from router.policy.identity import TokenVerifier
from router.policy.internal_token import InternalTokenSigner
from router.server.browsers import Cors
from router.server.callers import Callers
from router.server.endpoint import Executor, GraphQLEndpoint
from router.server.errors import (
    BodyTimedOutError,
    ClientGoneError,
    HttpError,
    InternalError,
    NotAcceptableError,
    TimedOutError,
)
from router.server.explorer.page import ExplorerPage
from router.server.negotiation import response_type
from router.server.pages import Pages, read_samples
from router.server.responses import JSON, HeaderList, Receive, Response, Scope, Send, json_response, send_response
from router.server.watch import Ended, Watch, Watched
from router.telemetry.correlation import RequestIds
from router.telemetry.logs import AccessLog

_LOG: Final = structlog.get_logger("router.server")


class RouterApp:
    """The ASGI application of one router."""

    def __init__(self, settings: RouterSettings, endpoint: GraphQLEndpoint) -> None:
        self._path = settings.server.path
        self._profile = settings.server.profile
        self._endpoint = endpoint
        self._cors = Cors(settings.cors)
        self._watch = Watch(settings.server.request_timeout)
        self._ids = RequestIds()
        self._access_log = _access_log(settings)
        self._pages = Pages(_explorer(settings), lambda: not self.draining)
        self.draining = False
        """Whether the router is about to end: set, it answers on, but `/health/ready` sends new clients elsewhere."""

    @property
    def active_requests(self) -> int:
        """How many GraphQL requests are being answered."""
        return len(self._watch)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                if self._access_log is not None:
                    self._access_log.flush()
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request_id = self._ids.of(headers)
        try:
            response = await self._answer(scope, headers, request_id, receive)
        except ClientGoneError:
            return
        except HttpError as error:
            response = self._error(error, headers)
        except Exception:
            number = request_id.decode("ascii")
            _LOG.exception("request failed", request_id=number)
            response = self._error(InternalError(f"Internal error (id {number})."), headers)
        extra: HeaderList = [(b"x-request-id", request_id)]
        if self._cors.enabled:
            extra += self._cors.headers(headers.get(b"origin"))
        await send_response(send, response, extra)
        if self._access_log is not None and response.status > self._access_log.worst_unrecorded:
            self._access_log.record(
                request_id=request_id,
                method=scope["method"],
                path=scope["path"],
                status=response.status,
                size=len(response.body),
                seconds=time.perf_counter() - begun,
                operation=response.operation,
            )

    async def _answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], request_id: bytes, receive: Receive
    ) -> Response:
        method = scope["method"]
        if scope["path"] != self._path:
            return self._pages.answer(method, scope["path"], headers)
        if method == "OPTIONS" and self._cors.enabled:
            return self._cors.preflight(headers)
        if self._pages.wants_explorer(method, headers, scope["query_string"]):
            return self._pages.answer(method, "/", headers)
        loop = asyncio.get_running_loop()
        watched = self._watch.begin(loop)
        try:
            return await self._endpoint.answer(scope, headers, request_id, receive, watched)
        except asyncio.CancelledError:
            raise self._why(watched) from None
        finally:
            self._watch.finish(watched)

    def _why(self, watched: Watched) -> BaseException:
        """Return what a cancelled request is answered with; a cancellation from outside goes on."""
        if watched.ended is None:
            return asyncio.CancelledError()
        watched.task.uncancel()
        if watched.ended is Ended.TIMED_OUT:
            return BodyTimedOutError() if watched.receive is None else TimedOutError("The answer took too long.")
        return ClientGoneError()

    def _error(self, error: HttpError, headers: Mapping[bytes, bytes]) -> Response:
        try:
            media = response_type(headers.get(b"accept"), self._profile)
        except NotAcceptableError:
            media = JSON
        body = {"errors": [{"message": str(error), "extensions": {"code": error.code}}]}
        return json_response(error.status, body, error.headers, media=media)


def _access_log(settings: RouterSettings) -> AccessLog | None:
    mode = settings.telemetry.access_log
    return None if mode == "none" else AccessLog(mode, sys.stdout.buffer)


def _explorer(settings: RouterSettings) -> ExplorerPage | None:
    explorer = settings.explorer
    if not explorer.enabled:
        return None
    return ExplorerPage(endpoint=settings.server.path, title=explorer.title, samples=read_samples(explorer))


def create_router_app(
    engine: Executor,
    settings: RouterSettings | None = None,
    *,
    verifier: TokenVerifier | None = None,
    signer: InternalTokenSigner | None = None,
) -> RouterApp:
    """Make the ASGI application of a router.

    Args:
        engine: what answers the requests.
        settings: how they are taken; every one has a default.
        verifier: tells callers by their tokens; without one, tokens are not looked at and nobody is told apart.
        signer: makes the tokens by which subgraphs know the caller; without one, they get none.
    """
    settings = settings or RouterSettings()
    return RouterApp(settings, GraphQLEndpoint(engine, settings, Callers(settings.headers, verifier, signer)))
