"""Streams over server-sent events, as graphql-sse calls distinct connections."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from router.execution.transports.port import SubgraphRequest, SubgraphResponse
from router.execution.transports.streams.http import StreamedResponse, StreamingClient

_ACCEPT: Final = "text/event-stream, application/graphql-response+json, application/json"
_BLANK_LINE: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")


@dataclass(frozen=True, slots=True)
class ServerSentStreams:
    """Opens a request for each stream."""

    client: StreamingClient

    async def open(self, request: SubgraphRequest) -> AsyncGenerator[SubgraphResponse]:
        """Open a stream; a subgraph that answers with a document instead has sent its only event."""
        async with self.client.post(request, _ACCEPT) as response:
            if not response.media_type.startswith("text/event-stream"):
                yield await response.whole()
                return
            async with aclosing(_events(response)) as events:
                async for name, data in events:
                    if name == b"complete":
                        return
                    if data and name in (b"next", b"message"):
                        yield SubgraphResponse(body=data)


async def _events(response: StreamedResponse) -> AsyncGenerator[tuple[bytes, bytes]]:
    """Yield each event's name and data; comments, which are signs of life, have neither."""
    buffer = b""
    async with aclosing(response.pieces()) as pieces:
        async for piece in pieces:
            *blocks, buffer = _BLANK_LINE.split(buffer + piece)
            response.insist_on_size(len(buffer))
            for block in blocks:
                yield _read(block)


def _read(block: bytes) -> tuple[bytes, bytes]:
    name = b"message"
    data: list[bytes] = []
    for line in block.splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value
        elif field == b"data":
            data.append(value)
    return name, b"\n".join(data)
