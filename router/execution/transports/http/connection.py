"""One HTTP/1.1 connection to a subgraph, which carries one request at a time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, cast

import httptools
from typing_extensions import override

from router.execution.errors import (
    MalformedResponseError,
    ResponseTooLargeError,
    SubgraphUnreachableError,
    TransportError,
)
from router.execution.exchange import Header, Headers
from router.execution.transports.port import SubgraphResponse
from router.traffic.turns import Turn

MAX_HEADER_BYTES = 64 * 1024
HEAD_END = b"\r\n\r\n"
KNOWN_HEADS = 256
LONGEST_KNOWN = 2_048
PLAIN = frozenset({b"", b"identity"})
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
"""Let zlib tell the two formats apart by their first bytes."""


class Head(NamedTuple):
    """What the head of a response says, if its body has a length that is told in advance."""

    status: int
    media_type: str
    encoding: bytes
    length: int
    cache_control: str
    headers: Headers


class Owner(Protocol):
    """Whom a connection tells what becomes of it."""

    def free(self, connection: Connection, /) -> None:
        """Take note that it can take the next request."""
        ...

    def lose(self, connection: Connection, call: Any, /) -> None:
        """Take note that it is gone, with what it was asked for."""
        ...

    def settle(self, call: Any, result: SubgraphResponse | Exception, /) -> None:
        """Take what came of a request."""
        ...


class Connection(asyncio.Protocol):
    """A connection that is kept alive between requests.

    Args:
        max_response_bytes: the bound on a response.
        owner: is told what happens.
        turn: at whose end requests are sent.
        heads: heads of responses that were parsed before, from all connections of the owner. Servers send the same over
            and over; a response that comes in one piece under a known head need not be parsed again.
        wanted: tells of a header that is none of those that matter here whether it is kept all the same.
    """

    __slots__ = (
        "_begun",
        "_cache_control",
        "_call",
        "_chunks",
        "_delimited",
        "_encoding",
        "_header_bytes",
        "_headers_done",
        "_heads",
        "_keep",
        "_limit",
        "_media_type",
        "_owner",
        "_parser",
        "_piece",
        "_response",
        "_size",
        "_transport",
        "_turn",
        "_wanted",
        "_wanted_headers",
        "kept",
        "open",
    )

    _transport: asyncio.Transport

    def __init__(
        self,
        max_response_bytes: int,
        owner: Owner,
        turn: Turn,
        heads: dict[bytes, Head],
        wanted: Callable[[str], bool] | None = None,
    ) -> None:
        self._limit = max_response_bytes
        self._wanted = wanted
        self._turn = turn
        self._owner = owner
        self._heads = heads
        self._parser = httptools.HttpResponseParser(self)
        self._call: object | None = None
        self.open = False
        self.kept = False
        """Whether it has carried a response before."""
        self._reset()

    def _reset(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._header_bytes = 0
        self._encoding = b""
        self._media_type = b""
        self._cache_control = b""
        self._wanted_headers: list[Header] = []
        self._begun = False
        self._piece = b""
        """The piece in which everything came so far, if it was one."""
        self._headers_done = False
        self._delimited = False
        self._response: SubgraphResponse | None = None
        """The answer, once it is complete."""
        self._keep = False

    def exchange(self, request: bytes, call: object) -> None:
        """Send a request; the owner is told what comes back to this call."""
        self._call = call
        self._turn.end_with(self._write, request)

    def _write(self, request: bytes) -> None:
        if not self._transport.is_closing():
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
        """Take what came in; anything that was not asked for ends the connection."""
        if self._call is None:
            self.close()
            return
        if self._begun:
            self._piece = b""
        else:
            begin = data.find(HEAD_END) + len(HEAD_END)
            head = self._heads.get(data[:begin])
            if head is not None and len(data) - begin == head.length:
                response = SubgraphResponse(
                    head.status, head.media_type, data[begin:], None, head.cache_control, head.headers
                )
                self._deliver(response, head.encoding, keep=True)
                return
            self._begun = True
            self._piece = data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._keep = False
            if self._response is None:
                cause = error.__context__
                wrong = MalformedResponseError("the response is not HTTP")
                self._fail(cause if isinstance(cause, TransportError) else wrong)
                return
        if self._response is not None:
            self._finish(self._response)

    @override
    def eof_received(self) -> bool:
        """Take the end of the stream for the end of a response that says no length."""
        if self._call is not None and self._headers_done and not self._delimited:
            self._finish(self._whole())
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way; of a request that got no answer at all the owner decides what becomes of it."""
        self.open = False
        if self._begun:
            self._fail(SubgraphUnreachableError("the connection was closed in the middle of the response"))
        call, self._call = self._call, None
        # Parser and connection hold each other: what was read so far would be kept until the collector finds them.
        del self._parser
        self._reset()
        self._owner.lose(self, call)

    # The parser calls these -----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """See that nothing comes behind an answer."""
        if self._response is not None:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the few headers that matter."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ResponseTooLargeError(f"the headers exceed {MAX_HEADER_BYTES} bytes")
        length = len(name)
        if length == 12 and name.lower() == b"content-type":
            self._media_type = value
        elif length == 13 and name.lower() == b"cache-control":
            self._cache_control += b"," + value if self._cache_control else value
        elif length == 14 and name.lower() == b"content-length":
            self._delimited = True
            if value.isdigit() and int(value[:20]) > self._limit:
                raise ResponseTooLargeError(f"the response exceeds {self._limit} bytes")
        elif length == 16 and name.lower() == b"content-encoding":
            self._encoding = value.lower()
        elif length == 17 and name.lower() == b"transfer-encoding":
            self._delimited = True
        elif self._wanted is not None and self._wanted(kept := name.decode("latin-1").lower()):
            self._wanted_headers.append((kept, value.decode("latin-1")))

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
        """Take the answer for complete; a provisional one (1xx) is passed over."""
        if self._response is not None:
            return
        if self._parser.get_status_code() < 200:
            self._reset()
            self._begun = True
            return
        self._keep = self._parser.should_keep_alive()
        self._response = self._whole()

    # ----------------------------------------------------------------------------------------------------------

    def _whole(self) -> SubgraphResponse:
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        media_type, cache_control = self._media_type.decode("latin-1"), self._cache_control.decode("latin-1")
        headers = tuple(self._wanted_headers)
        return SubgraphResponse(self._parser.get_status_code(), media_type, body, None, cache_control, headers)

    def _finish(self, response: SubgraphResponse) -> None:
        encoding, keep = self._encoding, self._keep
        if keep and self._piece:
            self._remember(response)
        self._reset()
        self._deliver(response, encoding, keep=keep)

    def _remember(self, response: SubgraphResponse) -> None:
        """Keep the head of a response that came in one piece, if its length was told in advance."""
        begin = self._piece.find(HEAD_END) + len(HEAD_END)
        if begin <= LONGEST_KNOWN and len(self._piece) - begin == self._size:
            if len(self._heads) >= KNOWN_HEADS:
                del self._heads[next(iter(self._heads))]
            self._heads[self._piece[:begin]] = Head(
                response.status,
                response.media_type,
                self._encoding,
                self._size,
                response.cache_control,
                response.headers,
            )

    def _deliver(self, response: SubgraphResponse, encoding: bytes, *, keep: bool) -> None:
        """Hand an answer over; the connection is free by then for what that leads to."""
        call, self._call = self._call, None
        if keep:
            self.kept = True
            self._owner.free(self)
        else:
            self.close()
        result: SubgraphResponse | Exception = response
        if encoding not in PLAIN:
            try:
                response.body = unpack(response.body or b"", encoding, self._limit)
            except TransportError as error:
                result = error
        self._owner.settle(call, result)

    def _fail(self, error: TransportError) -> None:
        call, self._call = self._call, None
        self.close()
        if call is not None:
            self._owner.settle(call, error)


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
