"""Which media types go in and out, as GraphQL over HTTP says.

Browsers and clients send a handful of different `Accept` and `Content-Type` headers over and over, so the verdict on
each text is worked out once and remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal

from router.server.errors import NotAcceptableError, UnsupportedMediaError
from router.server.exchange import GRAPHQL_RESPONSE, JSON

Profile = Literal["spec", "apollo"]

_OFFERS: Final = {
    b"application/graphql-response+json": GRAPHQL_RESPONSE,
    b"application/json": JSON,
    b"application/*": JSON,
    b"*/*": JSON,
}
_READ: Final = frozenset({b"application/json", b"application/graphql-response+json"})
_REMEMBERED: Final = 512


@lru_cache(_REMEMBERED)
def response_type(accept: bytes | None, profile: Profile) -> bytes:
    """Return the content type to answer with.

    Raises:
        NotAcceptableError: the client takes none that can be sent.
    """
    if accept is None:
        return JSON
    best, best_quality = b"", 0.0
    for name, parameters, quality in media_ranges(accept):
        offer = _OFFERS.get(name)
        if offer is not None and quality > best_quality and _charset_fits(parameters):
            best, best_quality = offer, quality
    if not best:
        raise NotAcceptableError(
            "The accept header must allow 'application/graphql-response+json' or 'application/json'."
        )
    return best if profile == "spec" else JSON


def media_ranges(accept: bytes) -> Iterator[tuple[bytes, bytes, float]]:
    """Yield each media range of an `Accept` header in lower case: its type, its parameters and how much it is liked."""
    for part in accept.lower().split(b","):
        name, _, parameters = part.partition(b";")
        yield name.strip(), parameters, _quality(parameters)


def _quality(parameters: bytes) -> float:
    for parameter in parameters.split(b";"):
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _charset_fits(parameters: bytes) -> bool:
    for parameter in parameters.split(b";"):
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"charset":
            return value.strip().strip(b'"') in (b"utf-8", b"utf8")
    return True


@lru_cache(_REMEMBERED)
def insist_on_json(content_type: bytes | None) -> None:
    """Let a body pass whose type is JSON in UTF-8.

    Raises:
        UnsupportedMediaError: it is of another type, or of none.
    """
    name, _, parameters = (content_type or b"").lower().partition(b";")
    if name.strip() not in _READ or not _charset_fits(parameters):
        raise UnsupportedMediaError("The content-type header must be 'application/json'.")
