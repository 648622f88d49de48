"""What comes in and what goes out: an HTTP request with its whole body, and a response with its."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import orjson

if TYPE_CHECKING:
    from router.server.body_stream import BodyReader
    from router.server.streams.port import SocketResponse, StreamResponse

Header: TypeAlias = tuple[bytes, bytes]

JSON: Final = b"application/json; charset=utf-8"
BODILESS: Final = frozenset({204, 304})
"""Statuses of answers that have no body, and so no length."""
GRAPHQL_RESPONSE: Final = b"application/graphql-response+json; charset=utf-8"


FORM: Final = b"multipart/form-data"

CLIENT_ADDRESS: Final = b"x-client-address"
"""Where the server itself notes where a request came from; what a client sends under this name is overwritten."""


class RequestHeaders(dict[bytes, bytes]):
    """The headers of all requests of one connection under one head, and what was made of them for the first of these.

    Whoever wants others makes a copy, which knows nothing.
    """

    __slots__ = ("sender",)

    sender: object
    """What `Callers` knows of who sends them."""

    def __init__(self, headers: Mapping[bytes, bytes], address: bytes) -> None:
        super().__init__(headers)
        self[CLIENT_ADDRESS] = address
        self.sender = None


class HttpRequest(NamedTuple):
    """A request; the names of its headers are in lower case, and `body` is None if it is larger than is read.

    A form is not read ahead: its body comes as a `stream`.

    Like the response a tuple: one is made for each request, and a frozen dataclass takes three times as long to make.
    """

    method: str
    path: str
    query_string: bytes
    headers: Mapping[bytes, bytes]
    body: bytes | None
    stream: BodyReader | None = None


class HeaderBlock(tuple[Header, ...]):
    """Headers that go together; their form on the wire is made once."""

    @cached_property
    def text(self) -> bytes:
        """The headers as lines of HTTP/1.1."""
        return b"".join(b"%b: %b\r\n" % pair for pair in self)


class Response(NamedTuple):
    """A complete answer; its length is added when it is sent."""

    status: int
    headers: HeaderBlock
    body: bytes
    operation: str | None = None
    """The name of the operation that this answers, for the access log."""
    own: tuple[Header, ...] = ()
    """Headers that only this answer has, to be written beside those that it shares with others."""
    errors: Sequence[Mapping[str, Any]] = ()
    """The errors that it tells of, for those who count them."""


Reply: TypeAlias = "Response | StreamResponse | SocketResponse"
"""What answers a request: a document, a stream of its own making, or consent to a WebSocket."""


class Answer(NamedTuple):
    """A response and the headers that only this exchange has."""

    response: Reply
    headers: tuple[Header, ...]


def json_response(status: int, value: object, extra: Iterable[Header] = (), *, media: bytes = JSON) -> Response:
    """Return a JSON answer that nobody may take for another type."""
    headers = HeaderBlock([(b"content-type", media), (b"x-content-type-options", b"nosniff"), *extra])
    return Response(status, headers, orjson.dumps(value))
