"""Signed messages from outside: who sent these bytes, and when, told by one header.

    t=<seconds since 1970>,v1=<hex of HMAC-SHA256 of "<t>." and the raw body>

The scheme is Stripe's and many others'. Several secrets may be valid at once, so that one can be replaced without
losing messages. A signature is good for some minutes only; what is repeated within them is told by the event's id.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kernel.errors import DomainError, ForbiddenError, InfrastructureError, InvalidInputError, NotFoundError

TOLERANCE: Final = 300.0
"""Seconds that a message may have been on its way, or a clock be ahead."""
LARGEST: Final = 262_144
"""Bytes of a message; what is larger is none."""


class SignatureError(ForbiddenError):
    """The message was not signed with a secret that we know, or too long ago."""

    default_code = "INVALID_SIGNATURE"


class MessageTooLargeError(InvalidInputError):
    """More was sent than any message has."""


Receive = Callable[[str, Mapping[str, str], bytes], Awaitable[str]]
"""Takes a message from a sender, with its headers (names in lower case) and raw body; gives the message's id."""


def sign(secret: str, body: bytes, at: datetime) -> str:
    """Make the header for a body."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(secret, seconds, body)}"


def verify(secrets: Sequence[str], header: str, body: bytes, now: datetime, *, tolerance: float = TOLERANCE) -> None:
    """Let a body pass that was signed with one of the secrets, not long ago.

    Raises:
        SignatureError: it was not.
    """
    fields = [field.strip().partition("=") for field in header.split(",")]
    times = [value for name, _, value in fields if name == "t" and value.isascii() and value.isdecimal()]
    given = [value for name, _, value in fields if name == "v1" and value.isascii()]
    if len(times) != 1 or len(times[0]) > 12 or not given:
        raise SignatureError("The signature header is missing or malformed.")
    seconds = int(times[0])
    expected = [_digest(secret, seconds, body) for secret in secrets if secret]
    if not any(hmac.compare_digest(one, other) for one in expected for other in given):
        raise SignatureError("The signature does not match.")
    if abs(now.timestamp() - seconds) > tolerance:
        raise SignatureError("The signature is too old.")


def webhook_route(path: str, receive: Receive) -> Route:
    """Answer messages under a path that ends with `{sender}`.

    200 means that the message is kept, now or since before, whatever becomes of it; other answers make the sender try
    again, or its people look.
    """

    async def answer(request: Request) -> Response:
        try:
            received = await receive(request.path_params["sender"], request.headers, await _raw_body(request))
        except DomainError as error:
            return _json(_status(error), {"code": error.code, "message": error.message})
        except InfrastructureError:
            return _json(503, {"code": "SERVICE_UNAVAILABLE", "message": "Send it again later."})
        return _json(200, {"received": received})

    return Route(path, answer, methods=["POST"])


def _status(error: DomainError) -> int:
    if isinstance(error, NotFoundError):
        return 404
    return 413 if isinstance(error, MessageTooLargeError) else 400


def _json(status: int, body: Mapping[str, str]) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


async def _raw_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise MessageTooLargeError("The message is too large.")
    return bytes(body)


def _digest(secret: str, seconds: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % seconds + body, sha256).hexdigest()
