"""Delivery: durable, with rests in between, given up in the end, never twice."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from subgraphs.notifications.domain.messages import (
    Channel,
    DeliveryError,
    Message,
    RetryPolicy,
    State,
    Topic,
    Words,
)
from subgraphs.notifications.service.courier import Courier
from subgraphs.notifications.storage.mailbox import FileMailbox

MESSAGE = Message(
    id="ntf_1",
    event_id="evt_1",
    channel=Channel.EMAIL,
    recipient="ada@example.com",
    topic=Topic.WELCOME,
    user_id=None,
    order_id=None,
    words=Words("Grüße", "Hello,\n.\nFrom here", "<p>Hello ∑</p>"),
    state=State.QUEUED,
    attempts=0,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


class Provider:
    """A provider that refuses what its script says, then takes all."""

    def __init__(self, *script: Exception) -> None:
        self.script = list(script)
        self.taken: list[str] = []

    async def deliver(self, message: Message) -> None:
        await asyncio.sleep(0)
        if self.script:
            raise self.script.pop(0)
        self.taken.append(message.id)


def busy():
    return DeliveryError("busy", retryable=True)


def courier(world, provider, **policy):
    retries = RetryPolicy(max_attempts=3, first_delay=timedelta(seconds=5), **policy)
    return Courier(
        database=world.subgraph.database,
        providers={Channel.EMAIL: provider},
        clock=world.clock,
        retries=retries,
        mail_key=b"k" * 32,
    )


async def states(world):
    rows = await world.rows("SELECT state, attempts, last_error FROM messages WHERE channel = 'email'")
    return [tuple(row.values()) for row in rows]


async def test_a_busy_provider_is_asked_again_after_growing_rests(world):
    await world.publish(world.registered())
    provider = Provider(busy(), busy())
    carry = courier(world, provider).deliver_due

    assert (await carry(), await carry()) == (1, 0)
    world.clock.advance(seconds=5)
    assert (await carry(), await carry()) == (1, 0)
    world.clock.advance(seconds=9)
    assert await carry() == 0
    world.clock.advance(seconds=1)
    assert await carry() == 1

    assert await states(world) == [("delivered", 3, None)]
    assert len(provider.taken) == 1


async def test_a_message_is_given_up_when_its_attempts_are_spent(world):
    await world.publish(world.registered())
    carry = courier(world, Provider(busy(), busy(), busy())).deliver_due

    for _ in range(5):
        await carry()
        world.clock.advance(seconds=3600)

    assert await states(world) == [("failed", 3, "busy")]


async def test_a_final_refusal_is_not_repeated(world):
    await world.publish(world.registered())

    await courier(world, Provider(DeliveryError("no such mailbox"))).deliver_due()

    assert await states(world) == [("failed", 1, "no such mailbox")]


async def test_one_bad_message_does_not_hold_up_the_others(world):
    await world.publish(*(world.registered(f"usr_{n}") for n in range(5)))
    provider = Provider(DeliveryError("no such mailbox"))

    await courier(world, provider).deliver_due()

    assert sorted(state for state, *_ in await states(world)) == ["delivered"] * 4 + ["failed"]


async def test_a_fault_in_a_provider_costs_its_message_an_attempt_and_no_other_its_turn(world):
    await world.publish(*(world.registered(f"usr_{n}") for n in range(5)))
    provider = Provider(ZeroDivisionError("x"))
    carry = courier(world, provider).deliver_due

    await carry()
    assert max(await states(world)) == ("queued", 1, "ZeroDivisionError")
    world.clock.advance(seconds=5)
    await carry()

    assert len(provider.taken) == 5


async def test_many_couriers_at_once_deliver_each_message_once(world):
    await world.publish(*(world.registered(f"usr_{n}") for n in range(70)))
    provider = Provider()

    async def carry_all():
        while await courier(world, provider).deliver_due():
            pass

    await asyncio.gather(*(carry_all() for _ in range(4)))

    assert len(provider.taken) == len(set(provider.taken)) == 70


async def test_what_a_dying_courier_had_claimed_is_delivered_later(world):
    await world.publish(world.registered())
    dying = Provider(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await courier(world, dying).deliver_due()
    provider = Provider()

    assert await courier(world, provider).deliver_due() == 0
    world.clock.advance(seconds=120)
    assert await courier(world, provider).deliver_due() == 1

    assert await states(world) == [("delivered", 2, None)]


async def test_a_message_delivered_again_is_still_one_file(tmp_path):
    mailbox = FileMailbox(tmp_path / "mailbox", sender="Shop <shop@example.com>")

    await mailbox.deliver(MESSAGE)
    await mailbox.deliver(MESSAGE)

    [file] = (tmp_path / "mailbox").iterdir()
    assert file.name == "ntf_1.eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"\r\n.\r\n" in file.read_bytes()


async def test_a_header_cannot_be_smuggled_in(tmp_path):
    mailbox = FileMailbox(tmp_path, sender="Shop <shop@example.com>")

    with pytest.raises(DeliveryError) as refusal:
        await mailbox.deliver(replace(MESSAGE, recipient="ada@example.com\r\nBcc: eve@example.com"))

    assert not refusal.value.retryable
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_cannot_be_written_is_a_reason_to_wait(tmp_path):
    (tmp_path / "mailbox").write_text("in the way")

    with pytest.raises(DeliveryError) as refusal:
        await FileMailbox(tmp_path / "mailbox", sender="shop@example.com").deliver(MESSAGE)

    assert refusal.value.retryable


def test_rests_double_up_to_a_bound_and_end():
    policy = RetryPolicy(max_attempts=6, first_delay=timedelta(seconds=5), longest_delay=timedelta(seconds=30))

    rests = [policy.delay(attempts) for attempts in range(1, 7)]

    assert [rest and rest.total_seconds() for rest in rests] == [5, 10, 20, 30, 30, None]
