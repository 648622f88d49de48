"""What is decided about a presented refresh token."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from subgraphs.users.domain.sessions import (
    RefreshToken,
    Verdict,
    fingerprint,
    first_secret,
    judge,
    new_nonce,
    successor_of,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(seconds=10)
FRESH = RefreshToken(
    family_id="f",
    user_id="usr_1",
    expires_at=NOW + timedelta(days=30),
    family_expires_at=NOW + timedelta(days=90),
    revoked_at=None,
    used_at=None,
    successor_nonce=None,
    successor_used=False,
)
USED = replace(FRESH, used_at=NOW, successor_nonce=b"n")


@pytest.mark.parametrize(
    ("token", "after", "verdict"),
    [
        (FRESH, timedelta(), Verdict.ROTATE),
        (FRESH, timedelta(days=30), Verdict.REFUSE),
        (replace(FRESH, family_expires_at=NOW), timedelta(), Verdict.REFUSE),
        (replace(FRESH, revoked_at=NOW), timedelta(), Verdict.REFUSE),
        (USED, timedelta(), Verdict.REPEAT),
        (USED, GRACE, Verdict.REPEAT),
        (USED, GRACE + timedelta(microseconds=1), Verdict.REVOKE_FAMILY),
        (replace(USED, successor_used=True), GRACE, Verdict.REFUSE),
        (replace(USED, successor_used=True), GRACE * 2, Verdict.REVOKE_FAMILY),
        (replace(USED, revoked_at=NOW), GRACE * 2, Verdict.REFUSE),
    ],
)
def test_the_verdict_about_a_token(token, after, verdict):
    assert judge(token, NOW + after, grace=GRACE) is verdict


def test_a_successor_follows_from_token_and_nonce_together_only():
    secret, nonce = first_secret(), new_nonce()
    successor = successor_of(secret, nonce)

    assert successor == successor_of(secret, nonce)
    assert len({secret, successor, successor_of(secret, new_nonce()), successor_of(first_secret(), nonce)}) == 4
    assert fingerprint(secret) != fingerprint(successor)
    assert len(successor) == len(secret) == 47
