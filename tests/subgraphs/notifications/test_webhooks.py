"""Webhooks from the event to the receiver: signed, filled in the partner's name, tried again, given up, replayed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
from datetime import timedelta
from pathlib import Path

import pytest

from kernel.events.catalogue import CATALOGUE, PriceChanged
from kernel.identity import Caller
from kernel.supergraph import Answer, SupergraphUnavailableError
from subgraphs.notifications.domain.offers import OFFERS
from subgraphs.notifications.domain.webhooks import JITTER, SCHEDULE, rest_after, sign
from tests.subgraphs.notifications.partners import answers, partner, slow

STAFF = Caller(id="usr_sam", kind="staff", roles=frozenset({"staff"}))
VENDOR = Caller(id="usr_vera", kind="vendor", roles=frozenset({"vendor"}))
OTHER = Caller(id="usr_otto", kind="vendor", roles=frozenset({"vendor"}))
CUSTOMER = Caller(id="usr_ada", kind="customer")
QUERY = "query($orderId: ID!) { order(id: $orderId) { number } }"
PRICE = PriceChanged(product_id="prod_1", sku="TENT-1", currency="EUR", old_minor=100, new_minor=90)

CREATE = """
mutation($input: WebhookEndpointCreateInput!) {
  webhookEndpointCreate(input: $input) { endpoint { id state } secret errors { code message path } }
}"""
LOG = """
query($id: ID!) { webhookEndpoint(id: $id) {
  state disabledReason oldSecretUntil
  deliveries { nodes { id eventId state body test nextAttemptAt attempts { number status error excerpt } } }
} }"""


async def create(world, url, caller=STAFF, events=("PriceChanged",), **fields):
    data = await world.ask(CREATE, caller, input={"url": url, "eventTypes": list(events), **fields})
    return data["webhookEndpointCreate"]


async def log(world, endpoint, caller=STAFF):
    return (await world.ask(LOG, caller, id=endpoint["id"]))["webhookEndpoint"]


async def change(world, mutation, caller=STAFF, fields="errors { code message }", **variables):
    kinds = {"id": "ID!", "input": "WebhookEndpointUpdateInput!", "eventType": "String!", "since": "DateTime!"}
    declared = ", ".join(f"${name}: {kinds[name]}" for name in variables)
    given = ", ".join(f"{name}: ${name}" for name in variables)
    data = await world.ask(f"mutation({declared}) {{ {mutation}({given}) {{ {fields} }} }}", caller, **variables)
    return data[mutation]


def signature(secret, call):
    content = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.{call.body}".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def test_the_signature_is_that_of_the_specification():
    """The values are those that the specification's own libraries are tested with."""
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(1731705121, UTC)
    headers = sign(
        ["whsec_plJ3nmyCDGBKInavdOK15jsl"],
        "msg_loFOjxBNrRLzqYUf",
        at,
        '{"event_type":"ping","data":{"success":true}}',
    )
    assert headers == {
        "webhook-id": "msg_loFOjxBNrRLzqYUf",
        "webhook-timestamp": "1731705121",
        "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    }


def test_rests_are_those_of_the_schedule_and_a_little_more():
    chance = random.Random(1)
    rests = [rest_after(attempts, chance=chance) for attempts in range(1, len(SCHEDULE))]
    for rest, planned in zip(rests, SCHEDULE[1:], strict=True):
        assert rest is not None
        assert planned <= rest <= planned * (1 + JITTER)
    assert rest_after(len(SCHEDULE)) is None
    assert rest_after(1, wish=timedelta(minutes=2)) == timedelta(minutes=2)
    assert rest_after(1, wish=timedelta(days=30)) == timedelta(hours=1)


async def test_an_event_arrives_signed_with_its_facts_and_stable_ids(world):
    async with partner(answers(204)) as receiver:
        made = await create(world, receiver.url)
        await world.publish(PRICE)
        await world.send_webhooks()

    [call] = receiver.calls
    [delivery] = (await log(world, made["endpoint"]))["deliveries"]["nodes"]
    body = json.loads(call.body)
    assert call.headers["webhook-signature"] == signature(made["secret"], call)
    assert call.headers["webhook-id"] == delivery["id"]
    assert call.headers["content-type"] == "application/json"
    assert (body["type"], body["id"]) == ("PriceChanged", delivery["eventId"])
    assert body["data"] == {
        "productId": "prod_1", "sku": "TENT-1", "currency": "EUR", "oldMinor": 100, "newMinor": 90,
    }  # fmt: skip
    assert (delivery["state"], delivery["attempts"]) == (
        "DELIVERED", [{"number": 1, "status": 204, "error": None, "excerpt": ""}],
    )  # fmt: skip


async def test_a_query_is_filled_in_the_partners_name_as_they_are_now(world):
    async with partner(answers(200)) as receiver:
        made = await create(world, receiver.url, events=["OrderConfirmed"], query=QUERY)
        world.api.asked.clear()
        world.people.roles["usr_sam"] = ["CUSTOMER"]
        await world.publish(world.confirmed())
        await world.send_webhooks()

    assert made["errors"] == []
    [(document, variables, asker)] = world.api.asked
    assert (document, variables["orderId"]) == (QUERY, "ord_1001")
    assert (asker.id, asker.roles) == ("usr_sam", frozenset({"customer"}))
    assert json.loads(receiver.calls[0].body)["data"] == {"order": {"number": "1001"}}


async def test_nothing_about_people_is_told_without_a_query(world):
    async with partner(answers(200)) as receiver:
        await create(world, receiver.url, events=["OrderConfirmed", "UserRegistered"])
        await world.publish(world.confirmed(), world.registered())
        await world.send_webhooks()

    told = "".join(call.body for call in receiver.calls)
    assert len(receiver.calls) == 2
    assert "ada@example.com" not in told
    assert "Lovelace" not in told
    assert '"unitPriceMinor":5000' in told


async def test_what_fails_is_tried_by_the_schedule_with_the_same_id_and_body_and_then_given_up(world):
    async with partner(answers(503, body=b"busy")) as receiver:
        made = await create(world, receiver.url)
        await world.publish(PRICE)
        for attempt in range(1, 5):
            assert await world.send_webhooks() == 1
            assert await world.send_webhooks() == 0, attempt
            world.clock.advance(SCHEDULE[attempt] * (1 + JITTER))
        [delivery] = (await log(world, made["endpoint"]))["deliveries"]["nodes"]

    assert len({(call.headers["webhook-id"], call.body) for call in receiver.calls}) == 1
    assert [call.headers["storegraph-attempt"] for call in receiver.calls] == ["1", "2", "3", "4"]
    assert delivery["state"] == "PENDING"
    assert delivery["attempts"][0] == {"number": 1, "status": 503, "error": "It answered with 503.", "excerpt": "busy"}


async def test_an_endpoint_that_only_fails_is_switched_off_with_notice_and_gets_the_rest_when_on_again(world):
    await world.publish(world.registered("usr_sam", "Sam"))
    async with partner(answers(500)) as receiver:
        made = await create(world, receiver.url)
        for number in range(6):
            await world.publish(PriceChanged(**{**as_fields(PRICE), "new_minor": number}))
        while await world.send_webhooks():
            pass
        shown = await log(world, made["endpoint"])
        assert shown["state"] == "DISABLED"
        assert "every try has failed" in shown["disabledReason"]
        tried = len(receiver.calls)
        world.clock.advance(timedelta(hours=1))
        assert await world.send_webhooks() == 0
        [notice] = [mail for mail in await world.deliver() if "webhook" in mail["Subject"]]
        assert notice["To"] == "sam@example.com"

        receiver.behaviour = answers(200)
        await change(world, "webhookEndpointUpdate", id=made["endpoint"]["id"], input={"enabled": True})
        while await world.send_webhooks():
            pass
        shown = await log(world, made["endpoint"])
    assert (shown["state"], tried < 12) == ("ENABLED", True)
    assert {each["state"] for each in shown["deliveries"]["nodes"]} == {"DELIVERED"}


def as_fields(payload):
    return {name: getattr(payload, name) for name in ("product_id", "sku", "currency", "old_minor", "new_minor")}


async def test_gone_switches_an_endpoint_off_at_once(world):
    async with partner(answers(410)) as receiver:
        made = await create(world, receiver.url)
        await world.publish(PRICE)
        await world.send_webhooks()
    shown = await log(world, made["endpoint"])
    assert (shown["state"], shown["disabledReason"]) == ("DISABLED", "it answered 410 Gone")
    assert shown["deliveries"]["nodes"][0]["state"] == "FAILED"


async def test_a_router_that_is_away_is_not_held_against_the_receiver(world):
    async with partner(answers(200)) as receiver:
        made = await create(world, receiver.url, events=["OrderConfirmed"], query=QUERY)
        world.api.answer = SupergraphUnavailableError("away")
        await world.publish(world.confirmed())
        await world.send_webhooks()
        [delivery] = (await log(world, made["endpoint"]))["deliveries"]["nodes"]
        assert (delivery["state"], delivery["attempts"][0]["error"]) == ("PENDING", "The router was not reached.")
        assert await world.rows("SELECT failures FROM webhook_endpoints") == [{"failures": 0}]

        world.api.answer = Answer({"order": None}, ({"message": "not yours", "extensions": {"code": "FORBIDDEN"}},))
        world.clock.advance(seconds=10)
        await world.send_webhooks()
    body = json.loads(receiver.calls[0].body)
    assert (body["data"], body["errors"][0]["message"]) == ({"order": None}, "not yours")


async def test_for_a_while_two_secrets_sign_and_then_one(world):
    async with partner(answers(200)) as receiver:
        made = await create(world, receiver.url)
        endpoint = made["endpoint"]["id"]
        rotated = await change(world, "webhookSecretRotate", fields="secret endpoint { oldSecretUntil }", id=endpoint)
        await world.publish(PRICE)
        await world.send_webhooks()
        world.clock.advance(timedelta(hours=25))
        await world.publish(PRICE)
        await world.send_webhooks()

    both, one = receiver.calls
    assert both.headers["webhook-signature"].split() == [
        signature(rotated["secret"], both),
        signature(made["secret"], both),
    ]
    assert one.headers["webhook-signature"] == signature(rotated["secret"], one)
    assert made["secret"].encode() not in str(await world.rows("SELECT * FROM webhook_endpoints")).encode()


async def test_a_delivery_is_replayed_with_the_same_ids_and_a_test_counts_for_nothing(world):
    async with partner(answers(500)) as receiver:
        made = await create(world, receiver.url)
        await world.publish(PRICE)
        await world.send_webhooks()
        [delivery] = (await log(world, made["endpoint"]))["deliveries"]["nodes"]
        receiver.behaviour = answers(200)
        fields = "delivery { state } attempt { number status } errors { code }"
        replayed = await change(world, "webhookDeliveryReplay", fields=fields, id=delivery["id"])
        again = await change(world, "webhookDeliveryReplay", fields=fields, id=delivery["id"])
        assert (replayed["delivery"]["state"], replayed["attempt"]) == ("DELIVERED", {"number": 2, "status": 200})
        assert again["attempt"]["number"] == 3
        assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1

        receiver.behaviour = answers(500)
        ids = {"id": made["endpoint"]["id"], "eventType": "PriceChanged"}
        tested = await change(world, "webhookTest", fields="delivery { state test } attempt { status }", **ids)
        assert tested == {"delivery": {"state": "FAILED", "test": True}, "attempt": {"status": 500}}
        assert await world.rows("SELECT failures FROM webhook_endpoints") == [{"failures": 0}]
        count = len(receiver.calls)
        dry = await change(world, "webhookDryRun", fields="message { body headers { name value } }", **ids)
        assert json.loads(dry["message"]["body"])["data"]["sku"] == "TENT-1"
        assert json.loads(dry["message"]["body"])["test"] is True
        assert len(receiver.calls) == count


async def test_what_was_given_up_can_be_tried_once_more_all_together(world):
    async with partner(answers(200)) as receiver:
        made = await create(world, receiver.url)
        await world.publish(PRICE, PRICE)
        async with world.subgraph.database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE webhook_deliveries SET state = 'failed', attempts = 10")
        since = world.clock.now() - timedelta(hours=1)
        again = await change(
            world, "webhookFailedReplay", fields="count", id=made["endpoint"]["id"], since=since.isoformat()
        )
        await world.send_webhooks()
    assert (again["count"], len(receiver.calls)) == (2, 2)


async def test_one_slow_receiver_holds_up_no_other(world):
    async with partner(slow) as slowly, partner(answers(200)) as quickly:
        await create(world, slowly.url)
        await create(world, quickly.url)
        for _ in range(12):
            await world.publish(PRICE)
        async with asyncio.timeout(10):
            while len(quickly.calls) < 12:
                await world.send_webhooks(wait=False)
                await asyncio.sleep(0.005)
        assert len(slowly.calls) < 12
        await world.send_webhooks()


async def test_an_event_that_comes_twice_is_delivered_once(world):
    async with partner(answers(200)) as receiver:
        await create(world, receiver.url)
        await world.publish(PRICE)
        async with world.outside.transaction() as session:
            await (await session.connection()).exec_driver_sql("UPDATE outbox SET published_at = NULL")
        async with world.subgraph.database.transaction() as session:
            await (await session.connection()).exec_driver_sql("DELETE FROM inbox")
        await world.drain()
        await world.send_webhooks()
    assert len(receiver.calls) == 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"url": "https://10.0.0.1/"}, ["url"]),
        ({"url": "gopher://x/"}, ["url"]),
        ({"eventTypes": []}, ["eventTypes"]),
        ({"eventTypes": ["AccountMailDue"]}, ["eventTypes"]),
        ({"query": "mutation { x }"}, ["query"]),
        ({"query": "query { a } query { b }"}, ["query"]),
        ({"query": "query($orderId: ID!) { order(id: $orderId) { id } }"}, ["query"]),
        ({"query": "{"}, ["query"]),
        ({"description": "x" * 501}, ["description"]),
    ],
)
async def test_what_cannot_work_is_refused_when_it_is_registered(world, fields, path):
    wanted = {"url": "https://partner.example/", "eventTypes": ["PriceChanged"], **fields}
    made = (await world.ask(CREATE, STAFF, input=wanted))["webhookEndpointCreate"]
    assert made["endpoint"] is None
    assert [error["path"] for error in made["errors"]] == [path]


async def test_the_router_says_whether_a_query_fits_the_api(world):
    problem = {"message": "Cannot query field 'x'.", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}
    world.api.answer = Answer(None, (problem,))
    made = await create(world, "https://partner.example/", query="query($sku: String!) { x(sku: $sku) }")
    assert made["errors"][0]["message"] == "For PriceChanged: Cannot query field 'x'."


async def test_who_may_have_endpoints_and_see_whose(world):
    mine = await create(world, "https://vera.example/", VENDOR)
    order = await create(world, "https://vera.example/", VENDOR, events=["OrderPlaced"])
    assert order["errors"][0]["code"] == "INVALID_INPUT"
    assert [each["code"] for each in (await create(world, "https://a.example/", CUSTOMER))["errors"]] == ["FORBIDDEN"]
    assert await log(world, mine["endpoint"], STAFF)
    assert await log(world, mine["endpoint"], OTHER) is None
    endpoint = mine["endpoint"]["id"]
    for mutation in ("webhookEndpointDelete", "webhookSecretRotate"):
        refused = await change(world, mutation, OTHER, id=endpoint)
        assert [error["code"] for error in refused["errors"]] == ["NOT_FOUND"]
    types = await world.ask("{ webhookEventTypes { name } }", VENDOR)
    assert {each["name"] for each in types["webhookEventTypes"]} == {n for n, o in OFFERS.items() if o.for_vendors}
    assert (await world.ask("{ webhookRetrySchedule }"))["webhookRetrySchedule"] == [
        int(each.total_seconds()) for each in SCHEDULE
    ]
    await change(world, "webhookEndpointDelete", VENDOR, id=endpoint)
    assert await log(world, mine["endpoint"], VENDOR) is None


def test_no_offer_tells_what_identifies_somebody():
    for name, offer in OFFERS.items():
        assert not {"email", "shippingAddress", "sealedSecret"} & set(offer.variables)
        assert CATALOGUE[name].personal is not None


async def test_the_log_costs_the_same_for_one_delivery_and_for_ten(world):
    async with partner(answers(200)) as receiver:
        made = await create(world, receiver.url)
        await world.publish(PRICE)
        await world.send_webhooks()
        one = await world.statements(LOG, STAFF, id=made["endpoint"]["id"])
        for _ in range(9):
            await world.publish(PRICE)
        await world.send_webhooks()
        assert await world.statements(LOG, STAFF, id=made["endpoint"]["id"]) == one == 3


def test_the_documentation_publishes_the_schedule_that_is_in_force():
    page = (Path(__file__).resolve().parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    for number, rest in enumerate(SCHEDULE, start=1):
        assert f"| {number} | {int(rest.total_seconds())} s |" in page
    assert f"| {len(SCHEDULE) + 1} |" not in page


async def test_what_a_dying_process_was_sending_is_sent_again_under_the_same_id(world):
    async with partner(slow) as receiver:
        made = await create(world, receiver.url)
        await world.publish(PRICE)
        await world.send_webhooks(wait=False)
        async with asyncio.timeout(10):
            while not receiver.calls:  # noqa: ASYNC110 # what another task is told
                await asyncio.sleep(0.005)
        await world.webhooks.dispatcher.close()
        receiver.behaviour = answers(200)
        assert await world.send_webhooks() == 0
        world.clock.advance(timedelta(minutes=2))
        assert await world.send_webhooks() == 1
        [delivery] = (await log(world, made["endpoint"]))["deliveries"]["nodes"]

    first, second = receiver.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert [(each["number"], each["status"]) for each in delivery["attempts"]] == [(2, 200)]


async def test_an_endpoint_that_has_failed_for_days_is_switched_off_however_seldom_it_is_called(world):
    async with partner(answers(500)) as receiver:
        made = await create(world, receiver.url)
        await world.publish(PRICE)
        await world.send_webhooks()
        world.clock.advance(timedelta(days=5))
        await world.publish(PRICE)
        await world.send_webhooks()
        shown = await log(world, made["endpoint"])
    assert (len(receiver.calls), shown["state"]) == (3, "DISABLED")
