"""Which kinds of answers a client takes, besides one JSON document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from router.server.errors import NotAcceptableError
from router.server.negotiation import media_ranges, response_type
from router.server.streams.formats import (
    APOLLO_SUBSCRIPTION,
    DEFER,
    DEFER_2022,
    DEFER_AS_EVENTS,
    PLAIN_MULTIPART,
    SSE,
    Format,
    Incremental,
)

_STREAMS: Final = (b"text/event-stream", b"multipart/mixed")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the `Accept` header of a client allows.

    Attributes:
        single: whether an answer may be one JSON document.
        parts: how an answer in parts is to be written; None if the client takes it only as a whole.
        subscription: how events are to be written; None if the client takes no stream of them.
    """

    single: bool
    subscription: Format | None
    parts: Incremental | None


T = TypeVar("T")


@lru_cache(512)
def accepted(accept: bytes | None) -> Accepted | None:
    """Return what is accepted; None for a client that takes no streams, as most requests do not."""
    if accept is None or not any(name in accept.lower() for name in _STREAMS):
        return None
    try:
        response_type(accept, "spec")
        single = True
    except NotAcceptableError:
        single = False
    return Accepted(single, _best(accept, _events), _best(accept, _multipart) or _best(accept, _server_sent))


def _best(accept: bytes, offer: Callable[[bytes, bytes], T | None]) -> T | None:
    best: T | None = None
    best_quality = 0.0
    for name, parameters, quality in media_ranges(accept):
        offered = offer(name, parameters)
        if offered is not None and quality > best_quality:
            best, best_quality = offered, quality
    return best


def _events(name: bytes, parameters: bytes) -> Format | None:
    if name == b"text/event-stream":
        return SSE
    if name != b"multipart/mixed" or b"deferspec" in parameters:
        return None
    return APOLLO_SUBSCRIPTION if b"subscriptionspec" in parameters else PLAIN_MULTIPART


def _multipart(name: bytes, parameters: bytes) -> Incremental | None:
    if name != b"multipart/mixed" or b"subscriptionspec" in parameters:
        return None
    return DEFER_2022 if b"deferspec" in parameters else DEFER


def _server_sent(name: bytes, _parameters: bytes) -> Incremental | None:
    return DEFER_AS_EVENTS if name == b"text/event-stream" else None
