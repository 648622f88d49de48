"""How results look on a stream of HTTP: server-sent events, and multipart in two forms.

In multipart the delimiter that ends a part is written with the part, so that a client need not wait for the next one to
know that a part is complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from router.execution.exchange import GraphQLErrorDict

if TYPE_CHECKING:
    from router.execution.payloads import Payload


class Format(Protocol):
    """One way of writing a stream; every method returns bytes for the wire."""

    @property
    def media(self) -> bytes:
        """The content type."""
        ...

    @property
    def opening(self) -> bytes:
        """What comes before all results."""
        ...

    @property
    def heartbeat(self) -> bytes:
        """A sign of life that is no result; empty where there is none."""
        ...

    def result(self, body: bytes) -> bytes:
        """Return a result, given as JSON."""
        ...

    def failure(self, errors: tuple[GraphQLErrorDict, ...]) -> bytes:
        """Return what says that the stream ends with errors, without the closing."""
        ...

    @property
    def closing(self) -> bytes:
        """What comes after all results."""
        ...


@dataclass(frozen=True, slots=True)
class ServerSentEvents:
    """The distinct connections mode of graphql-sse."""

    media: bytes = b"text/event-stream; charset=utf-8"
    opening: bytes = b":\n\n"
    heartbeat: bytes = b":\n\n"
    closing: bytes = b"event: complete\ndata: \n\n"

    def result(self, body: bytes) -> bytes:
        """Return an event `next`."""
        return b"event: next\ndata: %b\n\n" % body

    def failure(self, errors: tuple[GraphQLErrorDict, ...]) -> bytes:
        """Return the errors as a result of their own."""
        return self.result(orjson.dumps({"errors": errors}))


@dataclass(frozen=True, slots=True)
class Multipart:
    """A body of parts, each a JSON document.

    Attributes:
        media: the content type, with the boundary.
        boundary: what divides the parts.
        wrap: makes the JSON of a part from that of a result.
        fail: makes the JSON of a part from errors that end the stream.
        heartbeat: a part that is no result.
    """

    media: bytes
    boundary: bytes
    wrap: Callable[[bytes], bytes]
    fail: Callable[[tuple[GraphQLErrorDict, ...]], bytes]
    heartbeat: bytes = b""

    @property
    def opening(self) -> bytes:
        """The first delimiter."""
        return b"\r\n--" + self.boundary

    @property
    def closing(self) -> bytes:
        """What turns the delimiter that was written last into the end."""
        return b"--\r\n"

    def result(self, body: bytes) -> bytes:
        """Return a part and the delimiter after it."""
        return self.part(self.wrap(body))

    def failure(self, errors: tuple[GraphQLErrorDict, ...]) -> bytes:
        """Return a part that holds the errors."""
        return self.part(self.fail(errors))

    def part(self, body: bytes) -> bytes:
        """Return a part whose JSON is given."""
        return b"\r\ncontent-type: application/json\r\n\r\n%b\r\n--%b" % (body, self.boundary)


def _payload(body: bytes) -> bytes:
    return b'{"payload":%b}' % body


def _without_payload(errors: tuple[GraphQLErrorDict, ...]) -> bytes:
    return orjson.dumps({"payload": None, "errors": errors})


def _plain(body: bytes) -> bytes:
    return body


def _errors(errors: tuple[GraphQLErrorDict, ...]) -> bytes:
    return orjson.dumps({"errors": errors})


SSE = ServerSentEvents()
APOLLO_SUBSCRIPTION = Multipart(
    b'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
    b"graphql",
    _payload,
    _without_payload,
    b"\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql",
)
"""Apollo's multipart protocol for subscriptions."""
PLAIN_MULTIPART = Multipart(b'multipart/mixed; boundary="-"', b"-", _plain, _errors)
"""Results as parts, as incremental delivery over HTTP writes them."""
APOLLO_DEFER = Multipart(b'multipart/mixed;boundary="graphql";deferSpec=20220824', b"graphql", _plain, _errors)
"""Apollo's multipart protocol for `@defer`."""


@dataclass(frozen=True, slots=True)
class Incremental:
    """How an answer in parts is written.

    Attributes:
        form: frames the parts.
        spell: makes each into the values of its JSON.
    """

    form: Format
    spell: Callable[[Payload], dict[str, Any]]


def _of_2022(payload: Payload) -> dict[str, Any]:
    return payload.as_dict_2022()


def current(payload: Payload) -> dict[str, Any]:
    """Spell a part of an answer as the specification has it now."""
    return payload.as_dict()


DEFER_2022 = Incremental(APOLLO_DEFER, _of_2022)
DEFER = Incremental(PLAIN_MULTIPART, current)
DEFER_AS_EVENTS = Incremental(SSE, current)
