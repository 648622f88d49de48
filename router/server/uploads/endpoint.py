"""Requests that bring files: a form comes in, an operation with its files runs, and its answer goes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from router.config import RouterSettings
from router.execution.exchange import GraphQLRequest, GraphQLResponse, RequestContext
from router.server.errors import InvalidUploadError
from router.server.exchange import HttpRequest
from router.server.uploads.form import UploadForm
from router.server.uploads.parts import PartReader, boundary_of

Resolve = Callable[[GraphQLRequest], Awaitable[GraphQLRequest]]


class Executor(Protocol):
    """What runs operations whose variables hold files."""

    async def execute(self, request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
        """Answer a request; no error leaves this."""
        ...


class UploadEndpoint:
    """Answers requests that bring files.

    Args:
        engine: runs their operations.
        settings: of the router.
    """

    def __init__(self, engine: Executor, settings: RouterSettings) -> None:
        self._engine = engine
        self._settings = settings.uploads
        self._operation_limit = settings.limits.body_bytes

    async def answer(
        self, http: HttpRequest, resolve: Resolve, context: RequestContext
    ) -> tuple[GraphQLResponse, str | None]:
        """Return the answer to a request, and the name of its operation.

        Args:
            http: the request.
            resolve: finds the document of an operation that is named.
            context: what travels along.

        Raises:
            HttpError: the form is not as it should be.
        """
        if http.stream is None:
            raise InvalidUploadError("There is no form.")
        boundary = boundary_of(http.headers.get(b"content-type", b""))
        parts = PartReader(http.stream, boundary, self._settings.request_bytes)
        form = UploadForm(parts, self._settings, self._operation_limit)
        try:
            request = await resolve(await form.request())
            result = await self._engine.execute(request, context)
            if form.fault is not None:
                raise form.fault
            return result, request.operation_name
        finally:
            form.close()
