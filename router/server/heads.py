"""Heads of requests that were parsed before.

A client sends nearly the same bytes before each body, from all its connections. Equal bytes mean equal headers: so a
request that comes in one piece under a known head is taken over without being parsed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

HEAD_END: Final = b"\r\n\r\n"

_MOST: Final = 512
_LONGEST: Final = 2_048
_NEVER: Final = (b"expect", b"upgrade", b"traceparent", b"x-request-id")
"""Headers of requests that want more than an answer, and those that no two requests have in common."""


class KnownHead(NamedTuple):
    """What the head of a request says that leaves its connection open."""

    method: str
    path: str
    query_string: bytes
    headers: Mapping[bytes, bytes]
    length: int


class KnownHeads(dict[bytes, KnownHead]):
    """The heads, by their bytes with the empty line at their end; the oldest is forgotten when there are too many."""

    def learn(self, piece: bytes, head: KnownHead) -> None:
        """Remember a head, if a piece of data is just its request."""
        begin = piece.find(HEAD_END) + len(HEAD_END)
        if begin > _LONGEST or len(piece) - begin != head.length or any(name in head.headers for name in _NEVER):
            return
        if len(self) >= _MOST:
            del self[next(iter(self))]
        self[piece[:begin]] = head
