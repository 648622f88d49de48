"""Mail through a real SMTP server, text and push messages through a real gateway, and what they may answer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from subgraphs.notifications.domain.messages import Channel, DeliveryError
from subgraphs.notifications.storage.gateway import HttpGateway
from subgraphs.notifications.storage.smtp import SmtpMail
from tests.subgraphs.notifications.partners import answers, partner, says
from tests.subgraphs.notifications.test_courier import MESSAGE, courier, states


class Postbox:
    """What an SMTP server does with mail: keeps it, or answers what its script says."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], bytes]] = []
        self.of_recipients = self.of_mails = "250 OK"

    async def handle_RCPT(  # noqa: N802 # aiosmtpd calls it so
        self, server, session, envelope, address, options
    ):
        if self.of_recipients.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.of_recipients

    async def handle_DATA(  # noqa: N802 # as above
        self, server, session, envelope
    ):
        if self.of_mails.startswith("250"):
            self.taken.append((envelope.rcpt_tos, envelope.content))
        return self.of_mails


@pytest.fixture
async def postbox():
    import asyncio

    box = Postbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            box,
            authenticator=lambda *args: AuthResult(success=args[-1].password == b"secret", handled=False),
            auth_require_tls=False,
            loop=loop,
        ),
        "127.0.0.1",
        0,
    )
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()


def smtp(port, **options):
    return SmtpMail(host="127.0.0.1", port=port, sender="Shop <shop@example.com>", security="none", **options)


async def refusal(provider, message=MESSAGE):
    with pytest.raises(DeliveryError) as told:
        await provider.deliver(message)
    return told.value


async def test_a_mail_arrives_in_both_forms_under_a_stable_id(postbox):
    await smtp(postbox.port).deliver(MESSAGE)
    await smtp(postbox.port, user="shop", password="secret").deliver(MESSAGE)

    assert len(postbox.taken) == 2
    recipients, content = postbox.taken[0]
    assert recipients == ["ada@example.com"]
    assert b"Message-ID: <ntf_1@storegraph.invalid>" in content
    assert b"text/plain" in content
    assert b"text/html" in content
    assert b"Subject: =?utf-8?" in content


@pytest.mark.parametrize(
    ("stage", "answer", "retryable", "bounced"),
    [
        ("of_recipients", "550 5.1.1 no such user", False, True),
        ("of_recipients", "450 4.2.1 busy", True, False),
        ("of_recipients", "552 5.2.2 mailbox full", False, False),
        ("of_mails", "554 5.7.1 looks like spam", False, False),
        ("of_mails", "451 4.3.0 try again", True, False),
    ],
)
async def test_what_a_server_answers_decides_whether_it_is_asked_again(postbox, stage, answer, retryable, bounced):
    setattr(postbox, stage, answer)
    error = await refusal(smtp(postbox.port))
    assert (error.retryable, error.bounced) == (retryable, bounced)
    assert answer[:3] in error.message


async def test_a_server_that_is_away_or_does_not_know_us_is_asked_again(postbox):
    assert (await refusal(smtp(1))).retryable
    assert (await refusal(smtp(postbox.port, user="shop", password="wrong"))).retryable
    async with partner(says()) as silent:
        assert (await refusal(smtp(silent.port, patience=0.3))).retryable


async def test_a_recipient_that_is_not_there_is_a_bounce_in_the_log(world, postbox):
    postbox.of_recipients = "550 5.1.1 no such user"
    await world.publish(world.registered())
    await courier(world, smtp(postbox.port)).deliver_due()
    [(state, attempts, error)] = await states(world)
    assert (state, attempts) == ("bounced", 1)
    assert "no such user" in error


async def test_a_gateway_gets_a_message_with_a_key_that_tells_repetitions():
    message = replace(MESSAGE, channel=Channel.SMS, recipient="+491701234567")
    async with partner(answers(202)) as gateway:
        await HttpGateway(gateway.url, token="t0ken", shop="Test Shop").deliver(message)
    [call] = gateway.calls
    assert call.headers["authorization"] == "Bearer t0ken"
    assert call.headers["idempotency-key"] == "ntf_1"
    assert json.loads(call.body) == {
        "id": "ntf_1", "channel": "sms", "to": "+491701234567", "title": "Test Shop", "text": "Grüße",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "retryable", "bounced"),
    [
        (400, False, False),
        (401, True, False),
        (404, False, True),
        (410, False, True),
        (429, True, False),
        (503, True, False),
    ],
)
async def test_what_a_gateway_answers_decides_too(status, retryable, bounced):
    async with partner(answers(status)) as gateway:
        error = await refusal(HttpGateway(gateway.url, token="", shop="Shop"))
    assert (error.retryable, error.bounced) == (retryable, bounced)


async def test_a_gateway_that_hangs_up_is_asked_again():
    async with partner(says()) as gateway:
        assert (await refusal(HttpGateway(gateway.url, token="", shop="Shop"))).retryable
