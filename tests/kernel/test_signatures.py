"""Signed requests: what was changed, is old or came before is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kernel.errors import UnauthenticatedError
from kernel.signatures import RequestSigner, SignatureVerifier

KEY = "k" * 40
BODY = b'{"query":"{ me }"}'
TOKEN = "Bearer one"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sign(clock: Clock) -> Callable[..., dict[str, str]]:
    signer = RequestSigner(KEY, now=clock)

    def make(body: bytes = BODY, token: str = TOKEN) -> dict[str, str]:
        return {"authorization": token, **signer.headers(token, body)}

    return make


def test_a_request_is_taken_once(clock: Clock, sign: Callable[..., dict[str, str]]) -> None:
    verifier = SignatureVerifier(KEY, now=clock)
    first, second = sign(), sign()

    verifier.verify(first, BODY)
    verifier.verify(second, BODY)
    for _ in range(2):
        with pytest.raises(UnauthenticatedError, match="came before"):
            verifier.verify(first, BODY)


@pytest.mark.parametrize(
    "change",
    [
        {"authorization": "Bearer another"},
        {"content-digest": "sha-256=:AAAA:"},
        {"signature": "sig=:AAAA:"},
        {"signature-input": ""},
        {"signature-input": 'sig=();created=1800000000;nonce="12345678";alg="hmac-sha256"'},
        {"signature-input": 'sig=("content-digest" "authorization");created=1800000000;nonce="x";alg="none"'},
    ],
    ids=["token", "digest", "signature", "unsigned", "covers nothing", "algorithm"],
)
def test_what_was_changed(clock: Clock, sign: Callable[..., dict[str, str]], change: dict[str, str]) -> None:
    with pytest.raises(UnauthenticatedError):
        SignatureVerifier(KEY, now=clock).verify({**sign(), **change}, BODY)


def test_another_body_or_key(clock: Clock, sign: Callable[..., dict[str, str]]) -> None:
    verifier = SignatureVerifier(KEY, now=clock)

    with pytest.raises(UnauthenticatedError, match="does not hold"):
        verifier.verify(sign(), BODY + b" ")
    with pytest.raises(UnauthenticatedError, match="does not hold"):
        SignatureVerifier("x" * 40, now=clock).verify(sign(), BODY)
    verifier.verify(sign(), BODY)


@pytest.mark.parametrize("seconds", [-31, 31])
def test_another_time(clock: Clock, sign: Callable[..., dict[str, str]], seconds: float) -> None:
    headers = sign()
    clock.now += seconds

    with pytest.raises(UnauthenticatedError, match="another time"):
        SignatureVerifier(KEY, now=clock).verify(headers, BODY)


def test_nothing_that_is_still_good_is_forgotten(clock: Clock, sign: Callable[..., dict[str, str]]) -> None:
    """A signer whose clock is ahead makes signatures that are good for two windows."""
    verifier = SignatureVerifier(KEY, now=clock)
    clock.now += 29
    headers = sign()
    clock.now -= 29
    verifier.verify(headers, BODY)
    for _ in range(58):
        clock.now += 1
        with pytest.raises(UnauthenticatedError, match="came before"):
            verifier.verify(headers, BODY)
        verifier.verify(sign(), BODY)
