"""Signed requests between the router and subgraphs: a token that was overheard is worth nothing with another request.

An internal token names a caller for a minute, whatever is asked with it, since one for each request would cost more
than many of the requests. Where the network between our processes is not ours alone, each request is signed besides, as
HTTP Message Signatures say (RFC 9421, with the digest of RFC 9530): the signature covers the token and the body, is
good for seconds, and is taken once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final

from kernel.errors import UnauthenticatedError

_PARAMETERS: Final = '("content-digest" "authorization");created={};nonce="{}";alg="hmac-sha256"'
_INPUT: Final = re.compile(
    r'sig=(\("content-digest" "authorization"\);created=(\d{1,12});nonce="([\w-]{8,64})";alg="hmac-sha256")'
)
_WINDOW: Final = 30.0


class RequestSigner:
    """Signs requests.

    Args:
        key: the secret that subgraphs share with whoever asks them.
        now: tells the time in seconds since 1970.
    """

    def __init__(self, key: str, *, now: Callable[[], float] = time.time) -> None:
        self._key = key.encode()
        self._now = now
        self._process = secrets.token_urlsafe(9)
        self._numbers = count()

    def headers(self, authorization: str, body: bytes) -> dict[str, str]:
        """Return the headers that go with a request."""
        nonce = f"{self._process}-{next(self._numbers)}"
        parameters = _PARAMETERS.format(int(self._now()), nonce)
        digest = _digest(body)
        return {
            "content-digest": digest,
            "signature-input": f"sig={parameters}",
            "signature": f"sig=:{_signature(self._key, digest, authorization, parameters)}:",
        }


class SignatureVerifier:
    """Refuses requests that are not signed, were changed, are old, or came before.

    What came before is known for as long as it would be good otherwise, by each process for itself.

    Args:
        key: the secret that subgraphs share with whoever asks them.
        window: seconds by which a signature's time may differ from ours.
        now: tells the time in seconds since 1970.
    """

    def __init__(self, key: str, *, window: float = _WINDOW, now: Callable[[], float] = time.time) -> None:
        self._key = key.encode()
        self._window = window
        self._now = now
        self._seen: set[str] = set()
        self._seen_before: set[str] = set()
        self._turned_at = now()

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Let a request pass, once.

        Raises:
            UnauthenticatedError: its signature does not hold.
        """
        found = _INPUT.fullmatch(headers.get("signature-input", ""))
        if found is None:
            raise UnauthenticatedError("The request is not signed.")
        parameters, created, nonce = found.groups()
        digest = headers.get("content-digest", "")
        expected = f"sig=:{_signature(self._key, digest, headers.get('authorization', ''), parameters)}:"
        signed = hmac.compare_digest(expected.encode(), headers.get("signature", "").encode())
        if not signed or not hmac.compare_digest(digest.encode(), _digest(body).encode()):
            raise UnauthenticatedError("The request's signature does not hold.")
        now = self._now()
        if abs(now - int(created)) > self._window:
            raise UnauthenticatedError("The request was signed at another time.")
        self._take(nonce, now)

    def _take(self, nonce: str, now: float) -> None:
        # A signature is good from one window before its time to one after: two windows of memory are enough.
        if now - self._turned_at > 2 * self._window:
            self._seen_before, self._seen, self._turned_at = self._seen, set(), now
        if nonce in self._seen or nonce in self._seen_before:
            raise UnauthenticatedError("The request came before.")
        self._seen.add(nonce)


def _digest(body: bytes) -> str:
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def _signature(key: bytes, digest: str, authorization: str, parameters: str) -> str:
    base = f'"content-digest": {digest}\n"authorization": {authorization}\n"@signature-params": {parameters}'
    return b64encode(hmac.digest(key, base.encode("latin-1", "replace"), "sha256")).decode()
