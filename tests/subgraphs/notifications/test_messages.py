"""Which messages follow from which events: once each, in words, whatever comes first."""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest

from kernel.events.catalogue import BackInStock, UserProfileUpdated
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from subgraphs.notifications.domain.letters import Letter
from subgraphs.notifications.domain.messages import Topic
from subgraphs.notifications.service.wording import Wording


def body(mail, kind="plain"):
    return mail.get_body((kind,)).get_content()


async def test_a_new_customer_is_welcomed_by_mail_and_in_the_inbox(world):
    await world.publish(world.registered())

    [mail] = await world.deliver()

    assert (mail["To"], mail["Subject"]) == ("ada@example.com", "Welcome to Test Shop")
    assert "Hello Ada," in body(mail)
    rows = await world.rows("SELECT channel, recipient, state FROM messages ORDER BY channel")
    assert [tuple(row.values()) for row in rows] == [
        ("email", "ada@example.com", "delivered"),
        ("inbox", "usr_ada", "delivered"),
    ]


async def test_the_buyer_hears_of_every_step_of_an_order(world):
    for event in (
        world.placed(),
        world.confirmed(),
        world.shipped(complete=False),
        world.delivered(),
        world.cancelled(),
        world.refunded(),
    ):
        await world.publish(event)

    mails = await world.deliver()

    assert [mail["Subject"] for mail in mails] == [
        "Your order 1001 is confirmed",
        "A part of your order 1001 is on its way",
        "Your order 1001 has arrived",
        "Your order 1001 was cancelled",
        "A refund for your order 1001",
    ]
    confirmed, shipped, _, cancelled, refunded = map(body, mails)
    assert "2 x Tent & Co (TENT-1)" in confirmed
    assert "Total: 100.50 EUR" in confirmed
    assert "Sandbox Post" in shipped
    assert "SP123" in shipped
    assert "out of stock" in cancelled
    assert "100.50 EUR" in refunded


async def test_who_waited_for_a_sku_hears_that_it_is_back(world):
    facts = {"sku": "TENT-1", "product_id": None, "email": "bob@example.com", "user_id": None}
    await world.publish(BackInStock(watch_id="watch_1", name="Tent & Co", **facts))
    await world.publish(BackInStock(watch_id="watch_2", **{**facts, "email": "eve@example.com"}))

    named, unnamed = await world.deliver()

    assert (named["To"], named["Subject"]) == ("bob@example.com", "Tent & Co is back")
    assert "Tent & Co (TENT-1)" in body(named)
    assert "Tent &amp; Co (TENT-1)" in body(named, "html")
    assert unnamed["Subject"] == "TENT-1 is back"


async def test_html_escapes_what_people_typed_and_plain_text_does_not(world):
    await world.publish(world.confirmed())

    [mail] = await world.deliver()

    assert "Hello Ada <b>Lovelace," in body(mail)
    assert "Hello Ada &lt;b&gt;Lovelace," in body(mail, "html")
    assert "Tent &amp; Co" in body(mail, "html")


async def test_a_guest_gets_mail_and_has_no_inbox(world):
    await world.publish(world.confirmed(customer=None))

    assert len(await world.deliver()) == 1
    assert await world.rows("SELECT channel FROM messages") == [{"channel": "email"}]


async def test_no_order_of_events_loses_or_doubles_a_message(world):
    events = {
        "confirmed": world.confirmed,
        "shipped": world.shipped,
        "delivered": world.delivered,
        "refunded": world.refunded,
    }
    orders = {}
    for number, sequence in enumerate(permutations(events)):
        order = orders[number] = f"ord_{number}"
        for name in sequence:
            await world.publish(events[name](order))

    rows = await world.rows("SELECT order_id, topic, count(*) AS n FROM messages WHERE channel = 'email' GROUP BY 1, 2")

    assert len(rows) == len(orders) * len(events)
    assert {row["n"] for row in rows} == {1}
    assert await world.rows("SELECT 1 FROM waiting_events") == []
    assert {row["state"] for row in await world.rows("SELECT state FROM inbox")} == {"done"}


async def test_a_refund_for_an_order_that_is_never_told_of_waits_in_silence(world):
    await world.publish(world.refunded("ord_unknown"))

    assert await world.rows("SELECT order_id FROM waiting_events") == [{"order_id": "ord_unknown"}]
    assert await world.deliver() == []

    await world.publish(world.cancelled("ord_unknown"))

    assert [mail["Subject"].split()[0] for mail in await world.deliver()] == ["Your", "A"]


async def test_events_delivered_again_and_by_many_at_once_write_no_second_message(world):
    await world.publish(world.registered(), world.confirmed(), world.shipped(), world.refunded())
    async with world.outside.transaction() as session:
        await (await session.connection()).exec_driver_sql("UPDATE outbox SET published_at = NULL")
    async with world.subgraph.database.transaction() as session:
        await (await session.connection()).exec_driver_sql("DELETE FROM inbox")
    rooms = [Room(world.outside), world.subgraph.room]

    await asyncio.gather(*(EmbeddedDelivery(rooms).drain() for _ in range(4)))

    [row] = await world.rows("SELECT count(*) AS n, count(DISTINCT (event_id, channel, recipient)) AS d FROM messages")
    assert row == {"n": 8, "d": 8}


async def test_a_customer_is_called_by_the_newest_name(world):
    await world.publish(world.registered())
    await world.publish(
        UserProfileUpdated(user_id="usr_ada", email="ada@example.com", name="Countess", changed=("name",))
    )
    await world.publish(world.placed(), world.shipped())

    assert "Hello Countess," in body((await world.deliver())[-1])


@pytest.mark.parametrize("topic", Topic)
@pytest.mark.parametrize(("language", "greeting"), [("en", "Hello"), ("xx-YY", "Hello"), ("de-AT", "Guten Tag")])
def test_every_topic_has_words_in_every_language_asked_for(topic, language, greeting):
    words = Wording(shop="Test\nShop").preview(topic, language)

    assert words.subject
    assert "\n" not in words.subject
    assert words.text.startswith(f"{greeting} Ada Lovelace,")
    assert f"<p>{greeting} Ada Lovelace,</p>" in words.html
    assert words.html.count("<p") == words.html.count("</p>")


def test_a_language_cannot_lead_out_of_the_templates():
    letter = Letter(topic=Topic.WELCOME, email="a@b.cc", user_id=None)

    assert Wording(shop="Shop").words(letter, name="", language="../../..").text.startswith("Hello,")
