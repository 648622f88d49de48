"""Signed requests to subgraphs: a token that was overheard is worth nothing with another request.

The internal token of a caller is kept and sent along with many requests. Where others can read what goes to subgraphs,
each request is signed besides, as HTTP Message Signatures say (RFC 9421, with the digest of RFC 9530). The signature
covers token and body and has a time and a number, so that a subgraph can refuse what is old or came before. It is made
where a request leaves for its address: one that is tried again is another.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import b64encode
from collections.abc import Callable
from itertools import count

from router.execution.exchange import NO_HEADERS, Headers
from router.policy.token_settings import InternalTokenSettings


class RequestSigner:
    """Signs requests to subgraphs.

    Args:
        key: the secret that is shared with them.
        clock: tells the time in seconds since 1970.
    """

    def __init__(self, key: str, *, clock: Callable[[], float] = time.time) -> None:
        self._key = key.encode()
        self._clock = clock
        self._process = secrets.token_urlsafe(9)
        self._numbers = count()

    def __call__(self, headers: Headers, body: bytes) -> Headers:
        """Return the headers that a request gets besides; one without a token gets none."""
        authorization = next((value for name, value in headers if name == "authorization"), None)
        if authorization is None:
            return NO_HEADERS
        created, nonce = int(self._clock()), f"{self._process}-{next(self._numbers)}"
        parameters = f'("content-digest" "authorization");created={created};nonce="{nonce}";alg="hmac-sha256"'
        digest = f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"
        base = f'"content-digest": {digest}\n"authorization": {authorization}\n"@signature-params": {parameters}'
        signature = b64encode(hmac.digest(self._key, base.encode("latin-1", "replace"), "sha256")).decode()
        return (
            ("content-digest", digest),
            ("signature-input", f"sig={parameters}"),
            ("signature", f"sig=:{signature}:"),
        )


def request_signer(settings: InternalTokenSettings | None) -> RequestSigner | None:
    """Return what signs requests, where that is wanted."""
    return None if settings is None or not settings.sign else RequestSigner(settings.key)
