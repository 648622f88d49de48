"""The transport for TLS and HTTP/2, over pyreqwest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pyreqwest.client import Client
from pyreqwest.exceptions import ConnectError, PyreqwestError, RequestTimeoutError
from pyreqwest.request import RequestBuilder
from pyreqwest.response import Response

from router.execution.errors import ResponseTooLargeError, SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.exchange import NO_HEADERS, Headers
from router.execution.transports.http.settings import ACCEPT, HttpSettings
from router.execution.transports.port import SubgraphRequest, SubgraphResponse

JSON: Headers = (("content-type", "application/json"),)


class LibraryHttpTransport:
    """Sends requests to one subgraph through a client that is shared by all.

    Args:
        url: where the subgraph is.
        client: gives the client, once the event loop runs.
        settings: the bound on responses.
    """

    def __init__(self, url: str, client: Callable[[], Client], settings: HttpSettings) -> None:
        self._url = url
        self._client = client
        self._settings = settings

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Send a request."""
        return await self.exchange(request, JSON, lambda builder: builder.body_bytes(request.body()))

    async def exchange(
        self, request: SubgraphRequest, extra: Headers, complete: Callable[[RequestBuilder], RequestBuilder]
    ) -> SubgraphResponse:
        """Send a request with a body that `complete` gives it.

        Args:
            request: what is asked, of whom and until when.
            extra: headers of this kind of body.
            complete: puts the body in.
        """
        builder = self._client().post(self._url).timeout(timedelta(seconds=request.timeout)).header("accept", ACCEPT)
        try:
            for name, value in extra + request.headers + request.trace:
                builder = builder.header(name, value)
            async with complete(builder).build_streamed() as response:
                body = await self._read(response)
                media_type = response.get_header("content-type") or ""
                cache_control = response.get_header("cache-control") or ""
                headers = self._wanted(response)
                return SubgraphResponse(response.status, media_type, body, None, cache_control, headers)
        except RequestTimeoutError:
            raise SubgraphTimeoutError(f"no answer within {request.timeout:g} s") from None
        except (PyreqwestError, ValueError) as error:
            unsent = isinstance(error, ConnectError)
            raise SubgraphUnreachableError(type(error).__name__, unsent=unsent) from error

    def _wanted(self, response: Response) -> Headers:
        wanted = self._settings.wanted
        if wanted is None:
            return NO_HEADERS
        return tuple((name.lower(), value) for name, value in response.headers.items() if wanted(name.lower()))

    async def _read(self, response: Response) -> bytes:
        chunks = bytearray()
        while (chunk := await response.body_reader.read_chunk()) is not None:
            chunks += chunk
            if len(chunks) > self._settings.max_response_bytes:
                raise ResponseTooLargeError(f"the response exceeds {self._settings.max_response_bytes} bytes")
        return bytes(chunks)
