"""One HTTP/1.1 connection to a subgraph, which carries one request at a time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import cast

import httptools
from typing_extensions import override

from router.execution.errors import (
    MalformedResponseError,
    ResponseTooLargeError,
    SubgraphUnreachableError,
    TransportError,
)
from router.execution.transports.port import SubgraphResponse

MAX_HEADER_BYTES = 64 * 1024
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
"""Let zlib tell the two formats apart by their first bytes."""


class Connection(asyncio.Protocol):
    """A connection that is kept alive between requests.

    Args:
        max_response_bytes: the bound on a response.
        on_end: called when the connection can take the next request, or is lost.
    """

    __slots__ = (
        "_answer",
        "_begun",
        "_chunks",
        "_delimited",
        "_encoding",
        "_header_bytes",
        "_headers_done",
        "_limit",
        "_media_type",
        "_on_end",
        "_parser",
        "_size",
        "_transport",
        "open",
        "used",
    )

    _transport: asyncio.Transport

    def __init__(self, max_response_bytes: int, on_end: Callable[[Connection], None]) -> None:
        self._limit = max_response_bytes
        self._on_end = on_end
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[SubgraphResponse] | None = None
        self.open = False
        self.used = False
        """Whether a request was answered on it before."""
        self._reset()

    def _reset(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._header_bytes = 0
        self._encoding = b""
        self._media_type = b""
        self._begun = False
        self._headers_done = False
        self._delimited = False

    def exchange(self, request: bytes, answer: asyncio.Future[SubgraphResponse]) -> None:
        """Send a request; `answer` gets what comes back."""
        self._answer = answer
        self._transport.write(request)

    def close(self) -> None:
        """Close at once, without waiting for what is under way."""
        if self.open:
            self._transport.abort()

    # The event loop calls these -------------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; uvloop's are no subclass of asyncio's."""
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    @override
    def data_received(self, data: bytes) -> None:
        """Parse what came in; anything that was not asked for ends the connection."""
        if self._answer is None:
            self.close()
            return
        self._begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._fail(
                cause if isinstance(cause, TransportError) else MalformedResponseError("the response is not HTTP")
            )

    @override
    def eof_received(self) -> bool:
        """Take the end of the stream for the end of a response that says no length."""
        if self._answer is not None and self._headers_done and not self._delimited:
            self._deliver()
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way; of a request that got no answer at all the owner decides what becomes of it."""
        self.open = False
        if self._begun:
            self._fail(SubgraphUnreachableError("the connection was closed in the middle of the response"))
        self._answer = None
        self._on_end(self)

    # The parser calls these -----------------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the few headers that matter."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ResponseTooLargeError(f"the headers exceed {MAX_HEADER_BYTES} bytes")
        length = len(name)
        if length == 12 and name.lower() == b"content-type":
            self._media_type = value
        elif length == 14 and name.lower() == b"content-length":
            self._delimited = True
            if value.isdigit() and int(value[:20]) > self._limit:
                raise ResponseTooLargeError(f"the response exceeds {self._limit} bytes")
        elif length == 16 and name.lower() == b"content-encoding":
            self._encoding = value.lower()
        elif length == 17 and name.lower() == b"transfer-encoding":
            self._delimited = True

    def on_headers_complete(self) -> None:
        """Know from now on that an answer has begun."""
        self._headers_done = True

    def on_body(self, body: bytes) -> None:
        """Collect the body, up to the bound."""
        self._size += len(body)
        if self._size > self._limit:
            raise ResponseTooLargeError(f"the response exceeds {self._limit} bytes")
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        """Deliver the answer; a provisional one (1xx) is passed over."""
        if self._parser.get_status_code() < 200:
            self._reset()
            return
        keep = self._parser.should_keep_alive()
        self._deliver()
        if keep:
            self._on_end(self)
        else:
            self.close()

    # ----------------------------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        status = self._parser.get_status_code()
        answer, encoding, media_type = self._answer, self._encoding, self._media_type
        self._answer = None
        self.used = True
        self._reset()
        if answer is None or answer.done():
            return
        try:
            if encoding not in {b"", b"identity"}:
                body = unpack(body, encoding, self._limit)
        except TransportError as error:
            answer.set_exception(error)
        else:
            answer.set_result(SubgraphResponse(status, media_type.decode("latin-1"), body))

    def _fail(self, error: TransportError) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)
        self.close()


def unpack(body: bytes, encoding: bytes, limit: int) -> bytes:
    """Undo the compression of a response.

    Raises:
        MalformedResponseError: it is not compressed as it says, or in a way that was not asked for.
        ResponseTooLargeError: it unpacks to more than the bound.
    """
    if encoding not in {b"gzip", b"x-gzip", b"deflate"}:
        raise MalformedResponseError(f"the response has the unknown encoding {encoding.decode('latin-1')!r}")
    unpacker = zlib.decompressobj(GZIP_OR_ZLIB)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise MalformedResponseError("the compressed response is damaged") from None
    if len(unpacked) > limit:
        raise ResponseTooLargeError(f"the response exceeds {limit} bytes")
    if not unpacker.eof:
        raise MalformedResponseError("the compressed response is cut short")
    return unpacked
