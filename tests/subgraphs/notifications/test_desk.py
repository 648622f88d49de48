"""What the staff does about messages and templates, and what tells people that something came."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from kernel.events.catalogue import AccountMailDue
from kernel.identity import Caller
from subgraphs.notifications.domain.messages import Topic

STAFF = Caller(id="usr_sam", kind="staff", roles=frozenset({"staff"}))
ADMIN = Caller(id="usr_root", kind="admin", roles=frozenset({"admin"}))
ADA = Caller(id="usr_ada", kind="customer")
BOB = Caller(id="usr_bob", kind="customer")

LOG = "{ notificationDeliveries { nodes { id state topic channel attempts log { number error } } } }"
SET = """
mutation($input: NotificationTemplateInput!) {
  notificationTemplateSet(topic: WELCOME, language: "en", input: $input) {
    preview { subject text html } errors { code path message } } }"""
MINE = {"subject": "Hi {{ name }}", "text": "Hi {{ name }} & co", "html": "<p>Hi {{ name }}</p>"}


async def deliveries(world):
    nodes = (await world.ask(LOG, STAFF))["notificationDeliveries"]["nodes"]
    return [each for each in nodes if each["channel"] == "EMAIL"]


async def test_a_message_is_sent_again_as_a_new_one(world):
    await world.publish(world.registered())
    await world.deliver()
    [sent] = await deliveries(world)
    resend = f'mutation {{ notificationResend(id: "{sent["id"]}") {{ delivery {{ state }} errors {{ code }} }} }}'
    assert (await world.ask(resend, STAFF))["notificationResend"] == {"delivery": {"state": "QUEUED"}, "errors": []}
    assert len(await world.deliver()) == 2
    assert [each["state"] for each in await deliveries(world)] == ["DELIVERED", "DELIVERED"]
    assert (await world.ask(resend, ADA))["notificationResend"]["errors"] == [{"code": "FORBIDDEN"}]


async def test_what_carried_a_secret_is_not_sent_again(world):
    mail = AccountMailDue(user_id="usr_ada", email="ada@example.com", name="Ada", language="en", topic="reset_password")
    await world.publish(mail)
    [sent] = await deliveries(world)
    resend = f'mutation {{ notificationResend(id: "{sent["id"]}") {{ errors {{ code }} }} }}'
    assert (await world.ask(resend, STAFF))["notificationResend"]["errors"] == [{"code": "CONFLICT"}]


async def test_a_bounce_that_comes_later_is_noted(world):
    await world.publish(world.registered())
    await world.deliver()
    [sent] = await deliveries(world)
    bounced = 'mutation($id: ID!) { notificationBounced(id: $id, reason: "no such user") { errors { code } } }'
    assert (await world.ask(bounced, STAFF, id=sent["id"]))["notificationBounced"]["errors"] == []
    [noted] = await deliveries(world)
    assert (noted["state"], noted["log"]) == ("BOUNCED", [{"number": 1, "error": None}])
    assert (await world.ask(bounced, STAFF, id="ntf_x"))["notificationBounced"]["errors"] == [{"code": "NOT_FOUND"}]


@pytest.mark.parametrize("topic", Topic)
async def test_every_topic_can_be_previewed(world, topic):
    preview = (
        'query($topic: NotificationTopic!) { notificationPreview(topic: $topic, language: "de") { subject text } }'
    )
    words = (await world.ask(preview, STAFF, topic=topic.name))["notificationPreview"]
    assert words["text"].startswith("Guten Tag Ada Lovelace,")


async def test_the_staff_changes_a_template_and_returns_to_the_old_one(world):
    changed = (await world.ask(SET, ADMIN, input=MINE))["notificationTemplateSet"]
    assert changed["preview"] == {
        "subject": "Hi Ada Lovelace", "text": "Hi Ada Lovelace & co", "html": "<p>Hi Ada Lovelace</p>",
    }  # fmt: skip
    await world.publish(world.registered("usr_1", "<i>Ada</i>"))
    [mail] = await world.deliver()
    assert mail["Subject"] == "Hi <i>Ada</i>"
    assert "&lt;i&gt;" in mail.get_body(("html",)).get_content()

    [override] = (await world.ask("{ notificationTemplateOverrides { topic language changedBy } }", STAFF))[
        "notificationTemplateOverrides"
    ]
    assert override == {"topic": "WELCOME", "language": "en", "changedBy": "usr_root"}
    source = await world.ask("{ notificationTemplate(topic: WELCOME) { subject } }", STAFF)
    assert source["notificationTemplate"]["subject"] == "Hi {{ name }}"
    await world.ask('mutation { notificationTemplateReset(topic: WELCOME, language: "en") { errors { code } } }', ADMIN)
    await world.publish(world.registered("usr_2", "Bob"))
    assert (await world.deliver())[-1]["Subject"] == "Welcome to Test Shop"


@pytest.mark.parametrize(
    "part",
    [
        "{{ unknown }}",
        "{% if %}",
        "{{ 1 / 0 }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ name.__init__.__globals__ }}",
        "{% for i in range(10 ** 9) %}x{% endfor %}",
        "{% include 'nowhere.txt' %}",
        "   ",
        "x" * 60_000,
    ],
)
async def test_a_template_that_does_not_work_or_wants_out_is_refused(world, part):
    refused = (await world.ask(SET, ADMIN, input={**MINE, "text": part}))["notificationTemplateSet"]
    assert [error["code"] for error in refused["errors"]] == ["INVALID_INPUT"]
    assert await world.rows("SELECT 1 FROM template_overrides") == []


async def test_who_may_do_what_about_templates(world):
    assert (await world.ask(SET, STAFF, input=MINE))["notificationTemplateSet"]["errors"][0]["code"] == "FORBIDDEN"
    assert await world.refused("{ notificationPreview(topic: WELCOME) { text } }", ADA) == ["FORBIDDEN"]
    assert await world.refused("{ notificationTemplateOverrides { topic } }", ADA) == ["FORBIDDEN"]


async def test_each_message_is_told_to_its_reader_as_it_comes(world):
    await world.publish(world.registered())
    executor = world.subgraph.executor
    listen = "subscription { notificationReceived { topic order { id } } }"
    async with aclosing(executor.subscribe(listen, caller=ADA)) as told:
        first = asyncio.ensure_future(anext(told))
        await world.followers(1)
        await world.publish(world.registered("usr_bob"), world.placed())
        await world.publish(world.confirmed(), world.shipped())
        async with asyncio.timeout(10):
            news = [(await first).data, (await anext(told)).data]
    assert [each["notificationReceived"] for each in news] == [
        {"topic": "ORDER_CONFIRMED", "order": {"id": "ord_1001"}},
        {"topic": "ORDER_SHIPPED", "order": {"id": "ord_1001"}},
    ]


async def test_nobody_listens_without_a_name(world):
    async with aclosing(world.subgraph.executor.subscribe("subscription { notificationReceived { id } }")) as told:
        result = await anext(told)
    assert [error["extensions"]["code"] for error in result.errors] == ["UNAUTHENTICATED"]


async def test_all_is_read_at_once_and_nobody_elses(world):
    await world.publish(world.registered(), world.registered("usr_bob"), world.confirmed())
    read = "mutation { notificationsMarkAllRead { count } }"
    assert (await world.ask(read, ADA))["notificationsMarkAllRead"]["count"] == 2
    assert (await world.ask(read, ADA))["notificationsMarkAllRead"]["count"] == 0
    assert (await world.ask(read, BOB))["notificationsMarkAllRead"]["count"] == 1
