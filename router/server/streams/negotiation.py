"""Which kinds of answers a client takes, besides one JSON document."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from router.server.errors import NotAcceptableError
from router.server.negotiation import media_ranges, response_type
from router.server.streams.formats import APOLLO_SUBSCRIPTION, PLAIN_MULTIPART, SSE, Format

_STREAMS: Final = (b"text/event-stream", b"multipart/mixed")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the `Accept` header of a client allows.

    Attributes:
        single: whether an answer may be one JSON document.
        subscription: how events are to be written; None if the client takes no stream of them.
    """

    single: bool
    subscription: Format | None


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
    return Accepted(single, _best(accept))


def _best(accept: bytes) -> Format | None:
    best: Format | None = None
    best_quality = 0.0
    for name, parameters, quality in media_ranges(accept):
        form = _format(name, parameters)
        if form is not None and quality > best_quality:
            best, best_quality = form, quality
    return best


def _format(name: bytes, parameters: bytes) -> Format | None:
    if name == b"text/event-stream":
        return SSE
    if name != b"multipart/mixed" or b"deferspec" in parameters:
        return None
    return APOLLO_SUBSCRIPTION if b"subscriptionspec" in parameters else PLAIN_MULTIPART
