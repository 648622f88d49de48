"""HTTP requests whose responses do not end soon."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError
from pyreqwest.response import Response

from router.execution.errors import ResponseTooLargeError, SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.exchange import NO_HEADERS
from router.execution.transports.port import Sign, SubgraphRequest, SubgraphResponse
from router.execution.transports.streams.settings import StreamLimits


@dataclass(frozen=True)
class StreamingClient:
    """Posts requests to one subgraph and hands over the responses as they come.

    Its connections last as long as the streams on them: unlike those of other requests, they survive that the router
    goes over to a new schema.
    """

    url: str
    limits: StreamLimits
    sign: Sign | None = None

    @cached_property
    def _client(self) -> Client:
        builder = ClientBuilder().http2(enable=True).follow_redirects(enable=False).no_proxy()
        builder = builder.connect_timeout(timedelta(seconds=self.limits.connect_seconds))
        return builder.read_timeout(timedelta(seconds=self.limits.idle_seconds)).build()

    @asynccontextmanager
    async def post(
        self, request: SubgraphRequest, accept: str, body: bytes | None = None
    ) -> AsyncIterator[StreamedResponse]:
        """Post a request.

        Raises:
            TransportError: there is no response, or it breaks while it is read.
        """
        builder = self._client.post(self.url).header("content-type", "application/json").header("accept", accept)
        body = request.body() if body is None else body
        signed = NO_HEADERS if self.sign is None else self.sign(request.headers, body)
        try:
            for name, value in (*request.headers, *request.trace, *signed):
                builder = builder.header(name, value)
            builder = builder.body_bytes(body)
            async with builder.streamed_read_buffer_limit(0).build_streamed() as response:
                yield StreamedResponse(response, self.limits.max_event_bytes)
        except RequestTimeoutError:
            raise SubgraphTimeoutError(f"no sign of life for {self.limits.idle_seconds:g} s") from None
        except (PyreqwestError, ValueError) as error:
            raise SubgraphUnreachableError(type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class StreamedResponse:
    """A response whose body is still to come."""

    response: Response
    limit: int

    @property
    def media_type(self) -> str:
        """The content type."""
        return self.response.get_header("content-type") or ""

    async def whole(self) -> SubgraphResponse:
        """Return the response as one that is no stream, for subgraphs that refuse to stream."""
        body = bytearray()
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                body += piece
                self.insist_on_size(len(body))
        return SubgraphResponse(self.response.status, self.media_type, bytes(body))

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the body piece by piece."""
        while (piece := await self.response.body_reader.read_chunk()) is not None:
            yield bytes(piece)

    def insist_on_size(self, size: int) -> None:
        """Refuse more than the bound.

        Raises:
            ResponseTooLargeError: it is more.
        """
        if size > self.limit:
            raise ResponseTooLargeError(f"an event exceeds {self.limit} bytes")
