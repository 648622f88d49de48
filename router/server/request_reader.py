"""Reading requests from one connection.

The parser (llhttp) calls back for each part it makes out; what belongs to one request is put together here and handed
over when it is complete. A request that comes in one piece under a head that was parsed before is not parsed again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

import httptools
from typing_extensions import override

from router.server.asgi import Responder
from router.server.body_stream import BodyStream
from router.server.exchange import CLIENT_ADDRESS, FORM, HttpRequest, RequestHeaders
from router.server.heads import HEAD_END, KnownHead, KnownHeads

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

STATUS_LINES: Final = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}


def refusal(status: HTTPStatus) -> bytes:
    """Return the answer to what is no request that can be read."""
    return STATUS_LINES[status] + b"content-length: 0\r\nconnection: close\r\n\r\n"


_BAD_REQUEST: Final = refusal(HTTPStatus.BAD_REQUEST)
_HEAD_TOO_LONG: Final = refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


class RequestReader(asyncio.Protocol):
    """The half of a connection that reads."""

    __slots__ = (
        "_body",
        "_closing",
        "_early",
        "_head_bytes",
        "_headers",
        "_heads",
        "_incoming",
        "_known",
        "_latest",
        "_loop",
        "_parser",
        "_peer",
        "_piece",
        "_reading",
        "_refused",
        "_responder",
        "_since",
        "_transport",
        "_url",
    )

    _transport: asyncio.Transport
    _known: RequestHeaders
    """The headers under the latest known head."""

    def __init__(self, responder: Responder, heads: KnownHeads) -> None:
        self._responder = responder
        self._heads = heads
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._reading: str = "nothing"
        """What is being read: nothing yet, the head or the body of a request, or in vain what nobody waits for."""
        self._since = self._loop.time()
        """Since when that is so."""
        self._refused = self._closing = False
        self._url = b""
        self._body: bytes | bytearray = b""
        self._incoming: BodyStream | None = None
        """The body that is handed on as it arrives, if it is one of those."""
        self._headers: dict[bytes, bytes] = {}
        self._peer = b""
        self._head_bytes = 0
        self._latest: KnownHead | None = None
        self._piece = b""
        """The data with which the request began that is being read."""
        self._early = b""
        """What came behind a request to speak another protocol, and is meant for that."""

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        raise NotImplementedError

    def _submit(self, request: HttpRequest, keep_alive: bool) -> None:
        """Take a request."""
        raise NotImplementedError

    def _refuse(self, answer: bytes) -> None:
        """Give up: no further request can be made out."""
        raise NotImplementedError

    @override
    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._refused:
            return
        if self._reading == "nothing":
            begin = data.find(HEAD_END) + len(HEAD_END)
            head = self._heads.get(data[:begin])
            if head is not None and len(data) - begin == head.length <= self._responder.body_limit:
                if head is not self._latest:
                    self._latest, self._known = head, RequestHeaders(head.headers, self._peer)
                self._submit(HttpRequest(head.method, head.path, head.query_string, self._known, data[begin:]), True)
                return
            self._piece = data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._refused = self._closing = True
            self._early = data[upgrade.args[0] :]
            self._transport.pause_reading()
        except httptools.HttpParserError:
            self._refuse(_BAD_REQUEST)
        else:
            if self._reading == "head":
                self._head_bytes += len(data)
                if self._head_bytes > self._responder.head_limit:
                    self._refuse(_HEAD_TOO_LONG)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._reading = "head"
        self._since = self._loop.time()
        self._head_bytes = 0
        self._url = b""
        self._headers = {}
        self._body = b""

    def on_url(self, url: bytes) -> None:
        """Take a part of the URL."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Go on to the body; a head that came in one piece is measured here."""
        self._reading = "body"
        longest = self._responder.head_limit
        if len(self._piece) > longest and sum(map(len, self._headers.values())) > longest:
            self._refuse(_HEAD_TOO_LONG)
            return
        self._headers[CLIENT_ADDRESS] = self._peer
        if self.idle and self._headers.get(b"expect", b"").lower() == b"100-continue":
            self._transport.write(_CONTINUE)
        if self._headers.get(b"content-type", b"")[: len(FORM)].lower() == FORM:
            self._incoming = BodyStream(self._transport.pause_reading, self._transport.resume_reading)
            self._hand_over(None, keep_alive=self._parser.should_keep_alive(), stream=self._incoming)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; one that is too long is refused without waiting for its end."""
        if self._refused:
            return
        if self._incoming is not None:
            self._incoming.feed(body)
            return
        if not self._body:
            self._body = body
        else:
            # Bytes would be copied with every part: a body of a million small chunks would take hours.
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body
        if len(self._body) > self._responder.body_limit:
            self._hand_over(None, keep_alive=False)
            self._refused = True

    def on_message_complete(self) -> None:
        """Hand the request over."""
        self._reading = "nothing"
        if self._incoming is not None:
            self._incoming.finish()
            self._incoming = None
        elif not self._refused:
            keep_alive = self._parser.should_keep_alive() and self._parser.get_http_version() != "1.0"
            request = self._hand_over(bytes(self._body), keep_alive=keep_alive)
            if keep_alive and not self._parser.should_upgrade():
                self._heads.learn(self._piece, KnownHead(*request[:4], len(self._body)))

    def _hand_over(self, body: bytes | None, *, keep_alive: bool, stream: BodyStream | None = None) -> HttpRequest:
        path, query_string = _split(self._url) if b"?" in self._url else _split_plain(self._url)
        method = self._parser.get_method().decode("ascii")
        request = HttpRequest(method, path, query_string, self._headers, body, stream)
        self._submit(request, keep_alive)
        return request


def _split(url: bytes) -> tuple[str, bytes]:
    """Return the path of a URL and its query string."""
    parts = httptools.parse_url(url)
    path = (parts.path or b"/").decode("ascii")
    return (unquote(path) if "%" in path else path), parts.query or b""


_split_plain: Callable[[bytes], tuple[str, bytes]] = lru_cache(512)(_split)
"""The same for URLs without a query string, of which there are few."""
