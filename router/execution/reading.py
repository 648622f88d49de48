"""Reading what a subgraph answered: is it a GraphQL response at all, and what does it hold?"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from router.execution.compiler.typed_reading import UNREADABLE, TypedReader
from router.execution.errors import MalformedResponseError, SubgraphUnreachableError, TransportError
from router.execution.exchange import GraphQLErrorDict
from router.execution.json_text import read_json_exactly
from router.execution.transports.port import SubgraphResponse

QUOTED = 500
"""How much of an answer that could not be read is shown in the error."""


@dataclass(slots=True)
class Answer:
    """A subgraph's answer: its data, its errors as they came, and what was wrong with the transport all the same."""

    data: dict[str, Any] | None
    errors: tuple[Any, ...] = ()
    fault: TransportError | None = None


def read_answer(response: SubgraphResponse, *, reader: TypedReader | None = None, exact: bool = False) -> Answer:
    """Read a response.

    Args:
        response: what came back.
        reader: knows the types of its leaves, and is asked first.
        exact: whether integers beyond 64 bits must keep their digits, which costs a look at every byte.

    Raises:
        MalformedResponseError: it is no GraphQL response.
        SubgraphUnreachableError: neither is it one, nor does its status say success.
    """
    wrong: tuple[GraphQLErrorDict, ...] = ()
    if response.body is None:
        payload = response.decoded
    elif reader is None:
        payload = _decode(response, response.body, exact=exact)
    else:
        try:
            payload = reader.decode(response.body)
        except UNREADABLE:
            payload = _decode(response, response.body, exact=exact)
            wrong = tuple(reader.mend(payload.get("data"))) if type(payload) is dict else ()
    if type(payload) is not dict:
        raise _malformed(response, "the response is not an object")
    data = payload.get("data")
    errors = payload.get("errors")
    if data is not None and type(data) is not dict:
        raise _malformed(response, "'data' is neither an object nor null")
    if errors is not None and type(errors) is not list:
        raise _malformed(response, "'errors' is not a list")
    if data is None and not errors:
        raise _malformed(response, "the response has neither data nor errors")
    return Answer(data, (*(errors or ()), *wrong), None if _is_success(response) else _failure(response.status))


def _decode(response: SubgraphResponse, body: bytes, *, exact: bool) -> Any:
    try:
        return read_json_exactly(body) if exact else orjson.loads(body)
    except ValueError as error:
        if _is_success(response):
            raise MalformedResponseError(f"the response is not JSON: {error}", status=response.status) from None
        if "json" in response.media_type:
            quoted = body[:QUOTED].decode("utf-8", "replace")
            raise MalformedResponseError(f"{response.status}: {quoted}", status=response.status) from None
        raise _failure(response.status) from None


def _is_success(response: SubgraphResponse) -> bool:
    return 200 <= response.status < 300


def _malformed(response: SubgraphResponse, reason: str) -> TransportError:
    if _is_success(response):
        return MalformedResponseError(reason, status=response.status)
    return _failure(response.status)


def _failure(status: int) -> SubgraphUnreachableError:
    """Name a status in the words of HTTP."""
    try:
        reason = f"{status}: {HTTPStatus(status).phrase}"
    except ValueError:
        reason = str(status)
    return SubgraphUnreachableError(reason, status=status)
