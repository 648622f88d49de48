"""Streams over multipart: Apollo's protocol for subscriptions, and plain parts that are results."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from email.message import Message
from typing import Any, Final

import orjson

from router.execution.errors import MalformedResponseError
from router.execution.transports.port import SubgraphRequest, SubgraphResponse
from router.execution.transports.streams.http import StreamedResponse, StreamingClient

_ACCEPT: Final = (
    "multipart/mixed;boundary=graphql;subscriptionSpec=1.0, multipart/mixed, "
    "application/graphql-response+json, application/json"
)


@dataclass(frozen=True, slots=True)
class MultipartStreams:
    """Opens a request for each stream."""

    client: StreamingClient

    async def open(self, request: SubgraphRequest) -> AsyncGenerator[SubgraphResponse]:
        """Open a stream; a subgraph that answers with a document instead has sent its only event."""
        async with self.client.post(request, _ACCEPT) as response:
            if not response.media_type.startswith("multipart/mixed"):
                yield await response.whole()
                return
            async with aclosing(_parts(response)) as parts:
                async for part in parts:
                    event = _event(part)
                    if event is not None:
                        yield event


async def _parts(response: StreamedResponse) -> AsyncGenerator[bytes]:
    """Yield the body of each part; some servers leave the first delimiter out, or the line break before it."""
    delimiter = b"\r\n--" + _boundary(response.media_type)
    buffer = b""
    async with aclosing(response.pieces()) as pieces:
        async for piece in pieces:
            buffer += piece
            if buffer.startswith(delimiter[2:]):
                buffer = b"\r\n" + buffer
            *parts, buffer = buffer.split(delimiter)
            response.insist_on_size(len(buffer))
            for part in parts:
                if part.startswith(b"--"):
                    return
                _head, found, body = part.partition(b"\r\n\r\n")
                if found:
                    yield body


def _boundary(media_type: str) -> bytes:
    header = Message()
    header["content-type"] = media_type
    return str(header.get_param("boundary", "-")).encode()


def _event(part: bytes) -> SubgraphResponse | None:
    """Return the event of a part; a part that holds nothing is a sign of life."""
    try:
        value: Any = orjson.loads(part)
    except orjson.JSONDecodeError:
        raise MalformedResponseError("a part of the stream is not JSON") from None
    if not isinstance(value, dict):
        raise MalformedResponseError("a part of the stream is not a JSON object")
    if "payload" not in value:
        return SubgraphResponse(body=part) if value.keys() & {"data", "errors"} else None
    payload = value["payload"] or {"data": None, "errors": value.get("errors") or []}
    return SubgraphResponse(decoded=payload) if isinstance(payload, dict) else None
