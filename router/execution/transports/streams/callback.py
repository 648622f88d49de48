"""Streams over Apollo's HTTP callback protocol: the subgraph sends its events to the router.

The subscription is posted with an address to call back, an id and a secret by which each call is checked. The first
call checks whether the router is there, further ones bring events, signs of life and the end. An emitter is told by 404
that nobody listens any more.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final
from uuid import uuid4

import orjson

from router.execution.errors import SubgraphTimeoutError, SubgraphUnreachableError
from router.execution.transports.port import SubgraphRequest, SubgraphResponse
from router.execution.transports.streams.http import StreamingClient

_ACCEPT: Final = "application/json;callbackSpec=1.0, application/json"
_MISSED_BEATS: Final = 3
_MOST_WAITING: Final = 1_000


class Verdict(Enum):
    """What becomes of a call."""

    TAKEN = "taken"
    MALFORMED = "malformed"
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"
    FULL = "full"


class _Complete:
    """The subgraph has no more events."""


@dataclass(frozen=True, slots=True)
class _Expected:
    """A stream whose events are expected; None in the queue is a sign of life."""

    verifier: str
    events: asyncio.Queue[SubgraphResponse | _Complete | None] = field(
        default_factory=lambda: asyncio.Queue(_MOST_WAITING)
    )


class CallbackInbox:
    """Takes the calls of all subgraphs.

    Args:
        public_url: the address to call back, to which the id of a stream is added.
        heartbeat: seconds between two signs of life; 0 asks for none.
    """

    def __init__(self, public_url: str, heartbeat: float) -> None:
        self.public_url = public_url.rstrip("/")
        self.heartbeat = heartbeat
        self._expected: dict[str, _Expected] = {}

    def expect(self, number: str, verifier: str) -> asyncio.Queue[SubgraphResponse | _Complete | None]:
        """Take the calls for a stream from now on."""
        expected = self._expected[number] = _Expected(verifier)
        return expected.events

    def forget(self, number: str) -> None:
        """Take no further calls for a stream."""
        self._expected.pop(number, None)

    def take(self, number: str, body: bytes) -> Verdict:
        """Take a call."""
        try:
            call = orjson.loads(body)
        except orjson.JSONDecodeError:
            return Verdict.MALFORMED
        if not isinstance(call, dict) or call.get("kind") != "subscription" or call.get("id") != number:
            return Verdict.MALFORMED
        expected = self._expected.get(number)
        if expected is None:
            return Verdict.UNKNOWN
        if not hmac.compare_digest(str(call.get("verifier")).encode(), expected.verifier.encode()):
            return Verdict.FORBIDDEN
        return _sort(call, expected)


def _sort(call: Mapping[str, Any], expected: _Expected) -> Verdict:
    events: list[SubgraphResponse | _Complete | None]
    match call.get("action"):
        case "check" | "heartbeat":
            events = [None]
        case "next" if isinstance(call.get("payload"), dict):
            events = [SubgraphResponse(decoded=call["payload"])]
        case "complete":
            errors = call.get("errors")
            last = [SubgraphResponse(decoded={"data": None, "errors": errors})] if errors else []
            events = [*last, _Complete()]
        case _:
            return Verdict.MALFORMED
    try:
        for event in events:
            expected.events.put_nowait(event)
    except asyncio.QueueFull:
        return Verdict.FULL
    return Verdict.TAKEN


@dataclass(frozen=True, slots=True)
class CallbackStreams:
    """Posts a subscription and waits for the calls that it leads to."""

    client: StreamingClient
    inbox: CallbackInbox

    async def open(self, request: SubgraphRequest) -> AsyncGenerator[SubgraphResponse]:
        """Open a stream."""
        number, verifier = str(uuid4()), secrets.token_urlsafe(32)
        events = self.inbox.expect(number, verifier)
        try:
            await self._post(request, number, verifier)
            while True:
                event = await self._next(events)
                if isinstance(event, _Complete):
                    return
                if isinstance(event, SubgraphResponse):
                    yield event
        finally:
            self.inbox.forget(number)

    async def _next(
        self, events: asyncio.Queue[SubgraphResponse | _Complete | None]
    ) -> SubgraphResponse | _Complete | None:
        if not events.empty():
            return events.get_nowait()
        patience = self.inbox.heartbeat * _MISSED_BEATS or None
        try:
            async with asyncio.timeout(patience):
                return await events.get()
        except TimeoutError:
            raise SubgraphTimeoutError(f"no sign of life for {patience:g} s") from None

    async def _post(self, request: SubgraphRequest, number: str, verifier: str) -> None:
        extension = {
            "callbackUrl": f"{self.inbox.public_url}/{number}",
            "subscriptionId": number,
            "verifier": verifier,
            "heartbeatIntervalMs": round(self.inbox.heartbeat * 1_000),
        }
        extensions = orjson.dumps({"subscription": extension})
        body = b'%b,"extensions":%b}' % (request.body()[:-1], extensions)
        async with self.client.post(request, _ACCEPT, body) as response:
            _insist_on_consent(await response.whole())


def _insist_on_consent(answer: SubgraphResponse) -> None:
    """Let the answer to a subscription pass that promises calls: any without errors.

    Raises:
        SubgraphUnreachableError: it refuses.
    """
    try:
        body = orjson.loads(answer.body or b"null")
    except orjson.JSONDecodeError:
        body = None
    errors = body.get("errors") if isinstance(body, dict) else None
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        raise SubgraphUnreachableError(str(errors[0].get("message")), status=answer.status)
    if not 200 <= answer.status < 300:
        raise SubgraphUnreachableError("the subscription was refused", status=answer.status)
