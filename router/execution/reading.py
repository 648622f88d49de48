"""Reading what a subgraph answered: is it a GraphQL response at all, and what does it hold?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from router.execution.errors import MalformedResponseError, SubgraphUnreachableError, TransportError
from router.execution.transports.port import SubgraphResponse

QUOTED = 500
"""How much of an answer that could not be read is shown in the error."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A subgraph's answer: its data, its errors as they came, and what was wrong with the transport all the same."""

    data: dict[str, Any] | None
    errors: tuple[Any, ...] = ()
    fault: TransportError | None = None


def read_answer(response: SubgraphResponse) -> Answer:
    """Read a response.

    Raises:
        MalformedResponseError: it is no GraphQL response.
        SubgraphUnreachableError: neither is it one, nor does its status say success.
    """
    payload = response.decoded if response.body is None else _decode(response.body, response.status)
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
    fault = (
        None if 200 <= response.status < 300 else SubgraphUnreachableError(str(response.status), status=response.status)
    )
    return Answer(data, tuple(errors or ()), fault)


def _decode(body: bytes, status: int) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if not 200 <= status < 300:
            raise SubgraphUnreachableError(f"{status}: {_quote(body)}", status=status) from None
        raise MalformedResponseError(f"the response is not JSON: {error}", status=status) from None


def _malformed(response: SubgraphResponse, reason: str) -> TransportError:
    if 200 <= response.status < 300:
        return MalformedResponseError(reason, status=response.status)
    return SubgraphUnreachableError(str(response.status), status=response.status)


def _quote(body: bytes) -> str:
    return body[:QUOTED].decode("utf-8", "replace")
