"""A subgraph behind HTTP: one endpoint for operations, one for health, and whatever routes it brings itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, cast

import orjson
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from kernel.errors import InfrastructureError, UnauthenticatedError
from kernel.graphql.execution import Result
from kernel.identity import Client, InternalTokenVerifier
from kernel.subgraph import Subgraph

_LARGEST_BODY: Final = 2_000_000


def create_app(subgraph: Subgraph, *, internal_key: str) -> FastAPI:
    """Serve a subgraph; every operation needs an internal token that is meant for it."""
    verifier = InternalTokenVerifier(internal_key, audience=subgraph.name)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        yield
        await subgraph.close()

    app = FastAPI(
        title=f"storegraph {subgraph.name}", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.router.routes.extend(subgraph.routes)

    @app.post("/graphql")
    async def graphql(request: Request) -> Response:
        return await _answer(subgraph, verifier, request)

    @app.get("/health")
    async def health() -> Response:
        return await _health(subgraph)

    return app


async def _answer(subgraph: Subgraph, verifier: InternalTokenVerifier, request: Request) -> Response:
    try:
        caller = verifier.verify_header(request.headers.get("authorization"))
        caller = replace(caller, client=Client.of(request.headers))
    except UnauthenticatedError as error:
        return _failed(401, error.message, error.code)
    body = await _read(request)
    if body is None:
        return _failed(400, "The body is not a GraphQL request.", "BAD_REQUEST")
    result = await subgraph.executor.execute(
        body["query"],
        body.get("variables"),
        body.get("operationName"),
        caller=caller,
        correlation_id=request.headers.get("x-request-id", ""),
        traceparent=request.headers.get("traceparent", ""),
    )
    return _json(200, result.to_builtins())


async def _read(request: Request) -> dict[str, Any] | None:
    """Read a GraphQL request, or None where there is none."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > _LARGEST_BODY:
            return None
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
