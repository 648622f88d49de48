"""What the server sends: a status, headers and one body, and how that travels over ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, NamedTuple, TypeAlias

import orjson

Header: TypeAlias = tuple[bytes, bytes]
HeaderList: TypeAlias = list[Header]
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

JSON: Final = b"application/json; charset=utf-8"
GRAPHQL_RESPONSE: Final = b"application/graphql-response+json; charset=utf-8"


class Response(NamedTuple):
    """A complete answer; the length is added when it is sent.

    A tuple, since one is made for each request and a frozen dataclass takes three times as long to make.
    """

    status: int
    headers: HeaderList
    body: bytes
    operation: str | None = None
    """The name of the operation that this answers, for the access log."""


def json_response(status: int, value: object, extra: Iterable[Header] = (), *, media: bytes = JSON) -> Response:
    """Return a JSON answer that nobody may take for another type."""
    headers = [(b"content-type", media), (b"x-content-type-options", b"nosniff"), *extra]
    return Response(status, headers, orjson.dumps(value))


async def send_response(send: Send, response: Response, extra: Iterable[Header] = ()) -> None:
    """Send `response` with its length and the headers of `extra`."""
    headers = [*response.headers, *extra]
    if response.status != 204:
        headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
