"""What browsers are told and asked: which origins may call (CORS), and proof that a request was not forged (CSRF).

A page of a foreign origin can make a browser send "simple" requests, cookies included, without asking. A request is
only taken if it cannot be one of these: a JSON body, or a header that a browser would have had to ask for first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from router.config import CorsSettings, CsrfSettings
from router.server.errors import CsrfError
from router.server.exchange import Header, HeaderBlock, Response

_HEADER_NAMES: Final = re.compile(rb"[\w!#$%&'*+.^`|~, -]*").fullmatch
_SIMPLE_TYPES: Final = frozenset({b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data"})


class CsrfGuard:
    """Refuses requests that a browser sends without having asked."""

    def __init__(self, settings: CsrfSettings) -> None:
        self._enabled = settings.enabled
        self._proofs = tuple(name.lower().encode() for name in settings.required_headers)
        self._hint = ", ".join(settings.required_headers)

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Let a request pass that no foreign page could have caused.

        Raises:
            CsrfError: it could be one.
        """
        if not self._enabled or self._asked_first(headers):
            return
        raise CsrfError(
            "This request could have been forged by a foreign page: send 'content-type: application/json' "
            f"or one of these headers with any value: {self._hint}."
        )

    def _asked_first(self, headers: Mapping[bytes, bytes]) -> bool:
        content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if b"/" in content_type and content_type not in _SIMPLE_TYPES:
            return True
        return any(headers.get(name) for name in self._proofs)


class Cors:
    """Tells browsers which other origins may call."""

    def __init__(self, settings: CorsSettings) -> None:
        self._origins = frozenset(origin.encode() for origin in settings.origins)
        self._patterns = tuple(re.compile(pattern.encode()) for pattern in settings.match_origins)
        self._any = b"*" in self._origins
        self._private_network = settings.private_network
        self._allowed_headers = ", ".join(settings.headers).encode()
        self._max_age = b"%d" % settings.max_age
        self._answer: list[Header] = []
        if settings.credentials:
            self._answer.append((b"access-control-allow-credentials", b"true"))
        if settings.expose:
            self._answer.append((b"access-control-expose-headers", ", ".join(settings.expose).encode()))

    @property
    def enabled(self) -> bool:
        """Whether any other origin may call."""
        return bool(self._origins or self._patterns)

    def headers(self, origin: bytes | None) -> list[Header]:
        """Return what an answer to this origin carries."""
        vary: Header = (b"vary", b"origin")
        if self._any:
            return [] if origin is None else [(b"access-control-allow-origin", b"*"), *self._answer]
        if origin is None or not self._allows(origin):
            return [vary]
        return [(b"access-control-allow-origin", origin), vary, *self._answer]

    def preflight(
        self, headers: Mapping[bytes, bytes], methods: bytes = b"GET, POST, PUT, DELETE, OPTIONS"
    ) -> Response:
        """Answer the question that a browser asks first; the headers of every answer come on top."""
        if not self._allows(headers.get(b"origin")):
            return Response(204, HeaderBlock(), b"")
        asked = headers.get(b"access-control-request-headers", b"")
        wanted = self._allowed_headers or (asked if _HEADER_NAMES(asked) else b"")
        answer = [
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", wanted),
            (b"access-control-max-age", self._max_age),
        ]
        if self._private_network and headers.get(b"access-control-request-private-network") == b"true":
            answer.append((b"access-control-allow-private-network", b"true"))
        return Response(204, HeaderBlock(answer), b"")

    def _allows(self, origin: bytes | None) -> bool:
        if origin is None:
            return False
        return self._any or origin in self._origins or any(each.fullmatch(origin) for each in self._patterns)
