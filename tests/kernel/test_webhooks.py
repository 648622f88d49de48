"""Only what was signed with a known secret, and lately, is taken; card numbers never are."""

from datetime import UTC, datetime, timedelta

import pytest

from kernel.card_numbers import has_card_number
from kernel.webhooks import SignatureError, sign, verify

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
BODY = b'{"id": "evt_1"}'


def test_a_signed_body_passes_and_so_does_one_signed_with_the_older_secret():
    verify(["new", "old"], sign("old", BODY, AT), BODY, AT)
    verify(["new", "old"], sign("new", BODY, AT), BODY, AT + timedelta(seconds=299))


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_of_another_time_is_refused(seconds):
    with pytest.raises(SignatureError, match="old"):
        verify(["secret"], sign("secret", BODY, AT), BODY, AT + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "header",
    ["", "t=1", "v1=00", "t=x,v1=00", "t=1,t=2,v1=00", "t=99999999999999999999,v1=00", "t=1780315200,v1=é", "===,,,"],
)
def test_malformed_headers_are_refused(header):
    with pytest.raises(SignatureError):
        verify(["secret"], header, BODY, AT)


def test_another_body_secret_or_no_secret_at_all_is_refused():
    header = sign("secret", BODY, AT)
    for secrets, body in (["secret"], BODY + b" "), (["other"], BODY), ([], BODY), ([""], BODY):
        with pytest.raises(SignatureError):
            verify(secrets, header, body, AT)
    with pytest.raises(SignatureError):
        verify([""], sign("", BODY, AT), BODY, AT)


@pytest.mark.parametrize("text", ["4111111111111111", "4111 1111-1111 1111", "pay with 5555555555554444 please"])
def test_card_numbers_are_seen(text):
    assert has_card_number(text)


@pytest.mark.parametrize("text", ["tok_approve", "4111111111111112", "pm_1N4111111", "2026-11-23", ""])
def test_other_texts_are_not(text):
    assert not has_card_number(text)
