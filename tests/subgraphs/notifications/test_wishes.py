"""What somebody wants to hear, over which channel and when, and what becomes of their messages by that."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta

import pytest

from kernel.errors import InvalidInputError
from kernel.events.catalogue import (
    AccountMailDue,
    BackInStock,
    CartAbandoned,
    OrderLineFacts,
    StockLevelLow,
    UserProfileUpdated,
)
from kernel.identity import Caller
from subgraphs.notifications.domain.messages import Channel, State, Topic
from subgraphs.notifications.domain.preferences import (
    ACCOUNT,
    CHOICES,
    MANDATORY,
    Caps,
    Preferences,
    Way,
    check_choice,
    check_phone,
    check_time_zone,
    way_of,
)

ADA = Caller(id="usr_ada", kind="customer")
AUTUMN = datetime(2026, 10, 24, 21, tzinfo=UTC)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
UPDATE = """
mutation($input: NotificationPreferencesInput!) { notificationPreferencesUpdate(input: $input) {
  preferences { timeZone quietFrom quietTo digest phone } errors { code path } } }"""
CHOOSE = """
mutation($topic: NotificationTopic!, $channel: NotificationChannel!, $wanted: Boolean!) {
  notificationChoose(topic: $topic, channel: $channel, wanted: $wanted) { errors { code message } } }"""


def way(topic, channel=Channel.EMAIL, *, at=NOON, recent=0, **wishes):
    told = Preferences(user_id="usr_ada", **wishes)
    return way_of(topic, channel, told, now=at, recent=recent, caps=Caps(email=3, sms=1, push=3))


async def update(world, **fields):
    return (await world.ask(UPDATE, ADA, input=fields))["notificationPreferencesUpdate"]


async def choose(world, topic, channel, *, wanted):
    chosen = await world.ask(CHOOSE, ADA, topic=topic, channel=channel, wanted=wanted)
    return chosen["notificationChoose"]["errors"]


async def channels(world):
    rows = await world.rows("SELECT topic, channel, state FROM messages ORDER BY topic, channel")
    return [tuple(row.values()) for row in rows]


def back(number=1, user="usr_ada"):
    return BackInStock(
        watch_id=f"w{number}", sku=f"TENT-{number}", product_id=None, email="ada@example.com", user_id=user
    )


@pytest.mark.parametrize("topic", sorted(MANDATORY))
def test_what_must_be_known_comes_by_mail_at_once_whatever_is_wanted(topic):
    switched_off = {(topic, Channel.EMAIL): False}
    quiet = {"quiet_from": time(0), "quiet_to": time(23, 59)}
    assert way(topic, choices=switched_off, digest=True, recent=99, **quiet) == Way(State.QUEUED, NOON)
    if topic not in ACCOUNT:
        with pytest.raises(InvalidInputError):
            check_choice(topic, Channel.EMAIL, on=False)


@pytest.mark.parametrize("topic", [each for each in CHOICES if each not in MANDATORY])
def test_everything_else_can_be_switched_off(topic):
    assert way(topic) == Way(State.QUEUED, NOON)
    assert way(topic, choices={(topic, Channel.EMAIL): False}) is None


@pytest.mark.parametrize(
    ("zone", "begin", "end", "now", "until"),
    [
        ("UTC", time(22), time(7), datetime(2026, 6, 1, 23, tzinfo=UTC), datetime(2026, 6, 2, 7, tzinfo=UTC)),
        ("UTC", time(22), time(7), datetime(2026, 6, 2, 6, 59, tzinfo=UTC), datetime(2026, 6, 2, 7, tzinfo=UTC)),
        ("UTC", time(22), time(7), datetime(2026, 6, 2, 7, tzinfo=UTC), None),
        ("UTC", time(13), time(15), datetime(2026, 6, 1, 14, tzinfo=UTC), datetime(2026, 6, 1, 15, tzinfo=UTC)),
        ("Europe/Berlin", time(22), time(7), NOON, None),
        ("Europe/Berlin", time(22), time(7), datetime(2026, 6, 1, 20, tzinfo=UTC), datetime(2026, 6, 2, 5, tzinfo=UTC)),
        # The night in which clocks go back is an hour longer, and the morning comes at the same time of the day.
        ("Europe/Berlin", time(22), time(7), AUTUMN, datetime(2026, 10, 25, 6, tzinfo=UTC)),
        ("Asia/Tokyo", time(22), time(7), NOON, None),
        ("Asia/Tokyo", time(20), time(7), NOON, datetime(2026, 6, 1, 22, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_quiet_hours_are_those_of_the_readers_clock(zone, begin, end, now, until):
    told = way(Topic.ORDER_SHIPPED, Channel.PUSH, at=now, time_zone=zone, quiet_from=begin, quiet_to=end)
    assert told == Way(State.QUEUED, until or now)


def test_too_much_mail_is_collected_and_too_many_text_messages_are_left():
    assert way(Topic.ORDER_SHIPPED, recent=2) == Way(State.QUEUED, NOON)
    assert way(Topic.ORDER_SHIPPED, recent=3) == Way(State.COLLECTED, NOON + timedelta(hours=1))
    wanted = {(Topic.ORDER_SHIPPED, Channel.SMS): True}
    assert way(Topic.ORDER_SHIPPED, Channel.SMS, choices=wanted) == Way(State.QUEUED, NOON)
    assert way(Topic.ORDER_SHIPPED, Channel.SMS, choices=wanted, recent=1) is None
    assert way(Topic.ORDER_SHIPPED, Channel.SMS) is None


def test_phones_and_time_zones_are_checked():
    assert check_phone("+49 (170) 123-4567") == "+491701234567"
    for wrong in ("0170 1234567", "+0", "call me", "+1234567890123456"):
        with pytest.raises(InvalidInputError):
            check_phone(wrong)
    with pytest.raises(InvalidInputError):
        check_time_zone("Mars/Olympus")


async def test_what_is_switched_off_is_not_written(world):
    await world.publish(world.registered(), world.placed())
    assert await choose(world, "ORDER_SHIPPED", "EMAIL", wanted=False) == []
    assert (await choose(world, "ORDER_CONFIRMED", "EMAIL", wanted=False))[0]["code"] == "INVALID_INPUT"
    assert (await choose(world, "VERIFY_EMAIL", "EMAIL", wanted=False))[0]["code"] == "INVALID_INPUT"
    assert await choose(world, "ORDER_CONFIRMED", "INBOX", wanted=False) == []
    await world.publish(world.shipped(), world.confirmed())

    assert await channels(world) == [
        ("order_confirmed", "email", "queued"),
        ("order_shipped", "inbox", "delivered"),
        ("welcome", "email", "queued"),
        ("welcome", "inbox", "delivered"),
    ]


async def test_text_and_push_messages_go_where_they_are_wanted_and_no_secret_does(world):
    await world.publish(world.placed())
    await update(world, phone="+49 170 1234567")
    await choose(world, "ORDER_SHIPPED", "SMS", wanted=True)
    add = "mutation($token: String!) { pushDeviceAdd(token: $token) { preferences { devices } errors { code } } }"
    await world.ask(add, ADA, token="phone")
    await world.ask(add, ADA, token="tablet")
    secret = AccountMailDue(
        user_id="usr_ada", email="ada@example.com", name="Ada", language="en", topic="password_changed"
    )
    await world.publish(world.shipped(), secret)
    await world.deliver()

    notes = sorted((json.loads(each.read_bytes()) for each in world.mailbox.glob("*.json")), key=lambda n: n["to"])
    assert [note["to"] for note in notes] == ["+491701234567", "phone", "tablet"]
    assert {note["text"] for note in notes} == {"Your order 1001 is on its way"}
    assert {row["state"] for row in await world.rows("SELECT state FROM messages")} == {"delivered"}


async def test_a_device_belongs_to_who_used_it_last(world):
    add = 'mutation { pushDeviceAdd(token: "phone") { errors { code } } }'
    await world.ask(add, ADA)
    await world.ask(add, Caller(id="usr_bob", kind="customer"))
    assert await world.rows("SELECT user_id FROM push_devices") == [{"user_id": "usr_bob"}]
    for number in range(10):
        await world.ask(f'mutation {{ pushDeviceAdd(token: "t{number}") {{ errors {{ code }} }} }}', ADA)
    refused = await world.ask('mutation { pushDeviceAdd(token: "one more") { errors { code } } }', ADA)
    assert refused["pushDeviceAdd"]["errors"] == [{"code": "INVALID_INPUT"}]
    assert await world.rows("SELECT count(*) AS n FROM push_devices WHERE user_id = 'usr_ada'") == [{"n": 10}]


async def test_wishes_are_kept_and_told(world):
    wishes = {"timeZone": "Europe/Berlin", "quietFrom": "22:00:00", "quietTo": "07:00:00", "digest": True}
    changed = await update(world, **wishes)
    assert changed == {"preferences": {**wishes, "phone": None}, "errors": []}
    assert (await update(world, quiet=False))["preferences"]["quietFrom"] is None
    assert (await update(world, quietFrom="22:00:00"))["errors"][0]["path"] == ["quietFrom"]
    assert (await update(world, timeZone="Nowhere"))["errors"][0]["path"] == ["timeZone"]
    told = await world.ask("{ notificationPreferences { timeZone choices { topic channel wanted mandatory } } }", ADA)
    assert told["notificationPreferences"]["timeZone"] == "Europe/Berlin"
    assert {"topic": "ORDER_CONFIRMED", "channel": "EMAIL", "wanted": True, "mandatory": True} in told[
        "notificationPreferences"
    ]["choices"]
    assert await world.refused("{ notificationPreferences { timeZone } }") == ["UNAUTHENTICATED"]


async def test_a_digest_brings_what_was_collected_once(world):
    await world.publish(world.registered())
    await update(world, digest=True, timeZone="Europe/Berlin")
    await world.publish(back(1), back(2), world.placed(), world.confirmed())
    assert [mail["Subject"] for mail in await world.deliver()] == [
        "Welcome to Test Shop",
        "Your order 1001 is confirmed",
    ]

    world.clock.set(datetime(2026, 6, 2, 5, 59, tzinfo=UTC))
    assert await world.digest() == 0
    world.clock.set(datetime(2026, 6, 2, 6, 0, tzinfo=UTC))
    assert await world.digest() == 2
    assert await world.digest() == 0
    digest = (await world.deliver())[-1]

    assert digest["Subject"] == "2 news from Test Shop"
    text = digest.get_body(("plain",)).get_content()
    assert "TENT-1 is back" in text
    assert "TENT-2 is back" in text
    states = await world.rows("SELECT state FROM messages WHERE topic = 'back_in_stock' AND channel = 'email'")
    assert {row["state"] for row in states} == {"bundled"}


async def test_a_flood_becomes_some_mails_and_one_digest(world):
    low = [StockLevelLow(sku=f"S{n}", warehouse_id="wh_1", available=1, reorder_point=5) for n in range(25)]
    await world.publish(*low)
    assert len(await world.deliver()) == 10
    world.clock.advance(timedelta(hours=1))
    assert await world.digest() == 15
    mails = await world.deliver()
    assert len(mails) == 11
    assert {mail["To"] for mail in mails} == {"staff@storegraph.example"}
    assert mails[0]["Subject"] == "Low stock: S0"


async def test_an_abandoned_cart_is_reminded_of_once_and_not_at_night(world):
    await world.publish(world.registered())
    await update(world, quietFrom="11:00:00", quietTo="13:00:00")
    line = OrderLineFacts(sku="TENT-1", product_id="prod_1", name="Tent", quantity=2, unit_price_minor=5000)
    cart = CartAbandoned(
        cart_id="cart_1",
        customer_id="usr_ada",
        email="ada@example.com",
        currency="EUR",
        total_minor=10000,
        lines=(line,),
        abandoned_at="2026-06-01T12:00:00+00:00",
    )
    await world.publish(cart)
    assert len(await world.deliver()) == 1
    world.clock.advance(timedelta(hours=1))
    reminder = (await world.deliver())[-1]
    assert reminder["Subject"] == "You left something in your cart"
    assert "2 x Tent (TENT-1)" in reminder.get_body(("plain",)).get_content()


async def test_people_are_written_to_in_their_language(world):
    german = UserProfileUpdated(user_id="usr_ada", email="ada@example.com", name="Ada", language="de-AT")
    await world.publish(german, world.placed(), world.shipped())
    [mail] = await world.deliver()
    assert mail["Subject"] == "Ihre Bestellung 1001 ist unterwegs"
    assert mail.get_body(("plain",)).get_content().startswith("Guten Tag Ada,")
