"""Tokens for subgraphs: the shop's own verifier reads them, each at its own subgraph only."""

from __future__ import annotations

import pytest

from kernel.errors import UnauthenticatedError
from kernel.identity import InternalTokenVerifier
from router.policy.identity import ANONYMOUS, Identity
from router.policy.internal_token import InternalTokenSigner

KEY = "k" * 32
ADA = Identity(
    id="usr_1", kind="staff", roles=frozenset({"staff"}), scopes=frozenset({"orders:read"}), email="ada@example.com"
)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def signer(clock: Clock | None = None) -> InternalTokenSigner:
    return InternalTokenSigner(KEY, subgraphs=["products", "orders"], clock=clock or Clock())


def read(header: tuple[tuple[str, str], ...], audience: str, now: float = 1_000.0):
    ((name, value),) = header
    assert name == "authorization"
    return InternalTokenVerifier(KEY, audience=audience, now=lambda: now).verify_header(value)


def test_a_subgraph_reads_the_whole_identity() -> None:
    caller = read(signer().headers(ADA)["orders"], "orders")

    assert (caller.id, caller.kind, caller.email) == ("usr_1", "staff", "ada@example.com")
    assert caller.roles == {"staff"}
    assert caller.scopes == {"orders:read"}


def test_the_anonymous_are_named_too() -> None:
    assert read(signer().headers(ANONYMOUS)["orders"], "orders").kind == "anonymous"


def test_a_token_is_of_no_use_at_another_subgraph() -> None:
    with pytest.raises(UnauthenticatedError):
        read(signer().headers(ADA)["orders"], "products")


def test_headers_are_kept_while_half_their_life_is_left() -> None:
    clock = Clock()
    subject = signer(clock)
    first = subject.headers(ADA)

    clock.now += 29
    assert subject.headers(ADA) is first
    clock.now += 2
    assert subject.headers(ADA) is not first


def test_two_tokens_of_one_caller_share_the_headers() -> None:
    subject = signer()
    again = Identity(id=ADA.id, kind=ADA.kind, roles=ADA.roles, scopes=ADA.scopes, email=ADA.email, expires_at=5.0)

    assert subject.headers(ADA) is subject.headers(again)
