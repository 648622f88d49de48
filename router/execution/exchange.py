"""What goes into the engine and what comes out of it.

These values are all that a server, or a program that embeds the engine, needs to know: a request, what is known of who
sent it, and a response that is either read as Python values or written as JSON bytes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeAlias

from router.execution.cache_policy import CachePolicy
from router.execution.json_text import write_json

Header: TypeAlias = tuple[str, str]
Headers: TypeAlias = tuple[Header, ...]
GraphQLErrorDict: TypeAlias = dict[str, Any]

NO_HEADERS: Headers = ()
NO_LABELS: Final = frozenset[str]()


class HeaderLines(tuple[Header, ...]):
    """Headers that go out with several requests; their form on the wire is made once."""

    _text: bytes | None = None

    @property
    def text(self) -> bytes:
        """The headers as lines of HTTP/1.1.

        Raises:
            ValueError: one of them holds a line break.
        """
        if self._text is None:
            self._text = header_lines(self)
        return self._text


NO_LINES = HeaderLines()


def header_lines(headers: Headers) -> bytes:
    """Write headers as lines of HTTP/1.1.

    Raises:
        ValueError: one of them holds a line break.
    """
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if lines.count("\r") != len(headers) or lines.count("\n") != len(headers) or "\0" in lines:
        raise ValueError("a header to be forwarded holds a line break")
    return lines.encode("latin-1", "replace")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A GraphQL request as a client sends it."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    extensions: Mapping[str, Any] | None = None


@dataclass(slots=True)
class RequestContext:
    """What travels with a request to the subgraphs, and what two requests must have in common to share an answer.

    One is made for each request, and only for that it is not frozen, which would take three times as long.

    Attributes:
        headers: sent to every subgraph.
        subgraph_headers: sent to the subgraph of that name besides, such as a token made for it alone.
        trace: sent to every subgraph too, but never keeps two requests from sharing: the request id and `traceparent`.
        identity: whatever tells callers apart; requests with different identities never share anything.
        labels: labels of progressive overrides that are active for this request, besides those by chance.
        value: handed to in-process subgraphs as it is.
        address: the client's address in the network, where it is asked for.
    """

    headers: Headers = NO_HEADERS
    subgraph_headers: Mapping[str, Headers] | None = None
    trace: HeaderLines = NO_LINES
    identity: Hashable = None
    labels: frozenset[str] = NO_LABELS
    value: Any = None
    address: str = ""

    def headers_for(self, subgraph: str) -> Headers:
        """Return the headers that one subgraph gets."""
        if not self.subgraph_headers:
            return self.headers
        return self.headers + self.subgraph_headers.get(subgraph, NO_HEADERS)


ANONYMOUS = RequestContext()


class Outcome(Enum):
    """How far a request came; a server derives the HTTP status from it."""

    EXECUTED = "executed"
    """The operation ran; there is `data`, perhaps null, and perhaps errors."""
    REFUSED = "refused"
    """The request was wrong and nothing ran: the errors say why and there is no `data`."""
    FAILED = "failed"
    """The router could not even begin, through no fault of the client."""


@dataclass(slots=True)
class GraphQLResponse:
    """The answer to a request; `body` is made when first asked for and then kept."""

    outcome: Outcome
    data: Any = None
    errors: tuple[GraphQLErrorDict, ...] = ()
    extensions: Mapping[str, Any] | None = None
    cache_policy: CachePolicy | None = None
    """How it may be kept, where that is asked."""
    cost: float | None = None
    """What it has cost, once that was counted."""
    status: int | None = None
    """The HTTP status, where it is another than that of all such outcomes."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Headers that go with it."""
    _body: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def code(self) -> str | None:
        """The `extensions.code` of the first error."""
        if not self.errors:
            return None
        code = self.errors[0].get("extensions", {}).get("code")
        return code if isinstance(code, str) else None

    def as_dict(self) -> dict[str, Any]:
        """Return the response in the form and order of the GraphQL specification."""
        response: dict[str, Any] = {}
        if self.errors:
            response["errors"] = list(self.errors)
        if self.outcome is Outcome.EXECUTED:
            response["data"] = self.data
        if self.extensions:
            response["extensions"] = dict(self.extensions)
        return response

    @property
    def body(self) -> bytes:
        """The response as JSON."""
        if self._body is None:
            self._body = write_json(self.as_dict())
        return self._body

    def with_headers(self, headers: tuple[tuple[bytes, bytes], ...]) -> GraphQLResponse:
        """Return the same answer for one more client, with headers of its own; the body is made only once."""
        made = GraphQLResponse(
            self.outcome,
            self.data,
            self.errors,
            self.extensions,
            self.cache_policy,
            self.cost,
            self.status,
            (*self.headers, *headers),
        )
        made._body = self.body
        return made

    def forget_body(self) -> None:
        """Make the body anew when it is next asked for: something in the answer has changed."""
        self._body = None

    def trim(self) -> None:
        """Let the body take no more memory than its length: orjson leaves many times as much room behind it."""
        self._body = bytes(memoryview(self.body))
