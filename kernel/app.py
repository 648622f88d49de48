"""A subgraph behind HTTP: one endpoint for operations, one for health, and whatever routes it brings itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final, cast

import orjson
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from kernel.errors import InfrastructureError, UnauthenticatedError
from kernel.graphql.execution import Result
from kernel.identity import Client, InternalTokenVerifier
from kernel.signatures import SignatureVerifier
from kernel.subgraph import Subgraph

_LARGEST_BODY: Final = 2_000_000
_EVENT_STREAM: Final = "text/event-stream"
_DEADLINE: Final = "x-request-timeout-ms"
_HEARTBEAT_SECONDS: Final = 10.0


def create_app(subgraph: Subgraph, *, internal_key: str, signed: bool = False) -> FastAPI:
    """Serve a subgraph; every operation needs an internal token that is meant for it.

    Args:
        subgraph: what is served.
        internal_key: the secret by which our processes know each other.
        signed: whether every request must be signed besides, and comes once.
    """
    verifier = InternalTokenVerifier(internal_key, audience=subgraph.name)
    signatures = SignatureVerifier(internal_key) if signed else None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        yield
        await subgraph.close()

    app = FastAPI(
        title=f"storegraph {subgraph.name}", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.router.routes.extend(subgraph.pages(internal_key))

    @app.post("/graphql")
    async def graphql(request: Request) -> Response:
        return await _answer(subgraph, verifier, signatures, request)

    @app.get("/health")
    async def health() -> Response:
        return await _health(subgraph)

    return app


async def _answer(
    subgraph: Subgraph, verifier: InternalTokenVerifier, signatures: SignatureVerifier | None, request: Request
) -> Response:
    received = b""
    try:
        caller = verifier.verify_header(request.headers.get("authorization"))
        caller = replace(caller, client=Client.of(request.headers))
        received = await _receive(request)
        if signatures is not None:
            signatures.verify(request.headers, received)
    except UnauthenticatedError as error:
        return _failed(401, error.message, error.code)
    body = _read(received)
    if body is None:
        return _failed(400, "The body is not a GraphQL request.", "BAD_REQUEST")
    streamed = request.headers.get("accept", "").startswith(_EVENT_STREAM)
    run = partial(
        subgraph.executor.subscribe if streamed else subgraph.executor.execute,
        body["query"],
        body.get("variables"),
        body.get("operationName"),
        caller=caller,
        correlation_id=request.headers.get("x-request-id", ""),
        traceparent=request.headers.get("traceparent", ""),
    )
    if streamed:
        return StreamingResponse(_stream(cast("AsyncGenerator[Result]", run())), media_type=_EVENT_STREAM)
    try:
        async with asyncio.timeout(_seconds_left(request, body["query"])):
            result = await cast("Awaitable[Result]", run())
    except TimeoutError:
        return _failed(504, "The answer came too late to be of any use.", "GATEWAY_TIMEOUT")
    return _json(200, result.to_builtins())


def _seconds_left(request: Request, query: str) -> float | None:
    """Return for how long the answer is worth anything, if whoever asks has said so; what is begun is finished."""
    said = request.headers.get(_DEADLINE, "")
    return int(said) / 1000 if said.isdigit() and not query.lstrip().startswith("mutation") else None


async def _stream(events: AsyncGenerator[Result]) -> AsyncGenerator[bytes]:
    """Write the events of a subscription as server-sent events, with a sign of life where there are none."""
    yield b":\n\n"
    async with aclosing(events):
        coming = asyncio.ensure_future(anext(events, None))
        try:
            while True:
                done, _ = await asyncio.wait((coming,), timeout=_HEARTBEAT_SECONDS)
                if not done:
                    yield b":\n\n"
                    continue
                event = coming.result()
                if event is None:
                    yield b"event: complete\ndata: \n\n"
                    return
                yield b"event: next\ndata: %b\n\n" % orjson.dumps(event.to_builtins())
                coming = asyncio.ensure_future(anext(events, None))
        finally:
            coming.cancel()
            await asyncio.wait((coming,))


async def _receive(request: Request) -> bytes:
    """Take the body as it came; nothing of one that is too large."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > _LARGEST_BODY:
            return b""
    return bytes(received)


def _read(received: bytes) -> dict[str, Any] | None:
    """Read a GraphQL request, or None where there is none."""
    try:
        body = orjson.loads(received)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    fields = cast("dict[str, Any]", body)
    if not isinstance(fields.get("query"), str):
        return None
    return fields if fields.get("variables") is None or isinstance(fields["variables"], dict) else None


async def _health(subgraph: Subgraph) -> Response:
    try:
        await subgraph.check_health()
    except (InfrastructureError, SQLAlchemyError) as error:
        return _json(503, {"subgraph": subgraph.name, "status": "down", "reason": type(error).__name__})
    return _json(200, {"subgraph": subgraph.name, "status": "up"})


def _failed(status: int, message: str, code: str) -> Response:
    error = {"message": message, "extensions": {"code": code}}
    return _json(status, Result(None, [error]).to_builtins())


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
