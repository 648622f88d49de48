"""What caches between client and router are told: for how long an answer may be kept, and whether it has changed.

How an answer may be kept is worked out while it is made (`execution.caching`). Here that becomes headers, and a client
that holds the same answer already gets 304 in place of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from router.config import RouterSettings
from router.execution.cache_policy import CachePolicy
from router.server.exchange import HeaderBlock, Response

_REMEMBERED: Final = 512
_KEPT_IN_304: Final = frozenset({b"cache-control", b"vary", b"etag", b"x-content-type-options"})


class CachingHeaders:
    """Writes the headers that caches go by.

    Args:
        vary: the request headers that may vary an answer, beside `accept`.
    """

    def __init__(self, vary: Iterable[str]) -> None:
        names = ", ".join(["accept", *dict.fromkeys(name.lower() for name in vary)])

        @lru_cache(_REMEMBERED)
        def extended(headers: HeaderBlock, policy: CachePolicy) -> HeaderBlock:
            said = (b"cache-control", policy.header.encode())
            return HeaderBlock([*headers, said, (b"vary", names.encode())])

        self.extended = extended


def caching_headers(settings: RouterSettings, *, asks: bool) -> CachingHeaders | None:
    """Return what writes the headers; None where the settings do not want them.

    Args:
        settings: of the router.
        asks: whether answers may depend on who asks.
    """
    if not settings.caching.enabled:
        return None
    stored = settings.persisted_operations
    clients = (stored.client_header,) if stored.path is not None else ()
    credentials = ("authorization", "cookie") if asks else ()
    return CachingHeaders((*settings.headers.forward, *credentials, *clients))


def conditional(response: Response, asked: Mapping[bytes, bytes]) -> Response:
    """Give an answer to a GET its tag, or return 304 in its place if the client has the same already."""
    known = dict(response.headers)
    if response.status != 200 or known.get(b"cache-control", b"no-store") == b"no-store":
        return response
    tag = b'W/"%b"' % blake2b(response.body, digest_size=16).hexdigest().encode()
    headers = HeaderBlock([*response.headers, (b"etag", tag)])
    if not _holds(asked.get(b"if-none-match", b""), tag):
        return response._replace(headers=headers)
    kept = HeaderBlock(pair for pair in headers if pair[0] in _KEPT_IN_304)
    return response._replace(status=304, headers=kept, body=b"")


def _holds(tags: bytes, tag: bytes) -> bool:
    """Tell whether a client holds a tag; a strong tag and a weak one of the same text count as equal."""
    held = {each.strip().removeprefix(b"W/") for each in tags.split(b",")}
    return b"*" in held or tag.removeprefix(b"W/") in held
