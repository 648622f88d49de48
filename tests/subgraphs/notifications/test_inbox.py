"""Inboxes for their owners, the delivery log for the staff."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from kernel.database import plain_url
from kernel.identity import ANONYMOUS, Caller
from subgraphs.notifications.storage import bulk
from subgraphs.notifications.storage.tables import METADATA

ADA = Caller(id="usr_ada", kind="customer")
EVE = Caller(id="usr_eve", kind="customer")
STAFF = Caller(id="usr_staff", kind="staff")

INBOX = """
query($these: [_Any!]!, $first: Int, $after: String, $last: Int, $before: String) {
  _entities(representations: $these) {
    ... on User {
      notifications(first: $first, after: $after, last: $last, before: $before) {
        nodes { id topic subject text readAt order { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        totalCount unreadCount
      }
    }
  }
}"""
READ = """
mutation($id: ID!) { notificationMarkRead(id: $id) { notification { id readAt } errors { __typename code } } }"""
LOG = """
query($first: Int, $after: String, $where: NotificationDeliveryWhere) {
  notificationDeliveries(first: $first, after: $after, where: $where) {
    nodes { topic channel recipient state attempts eventId } totalCount pageInfo { hasNextPage endCursor }
  }
}"""


def users(*ids):
    return [{"__typename": "User", "id": each} for each in ids]


async def inbox(world, user="usr_ada", caller=STAFF, **page):
    [entity] = (await world.ask(INBOX, caller, these=users(user), **page))["_entities"]
    return entity["notifications"]


async def fill(world, user="usr_ada", orders=3):
    await world.publish(world.registered(user))
    for n in range(orders):
        world.clock.advance(seconds=60)
        await world.publish(world.confirmed(f"ord_{user}{n}", user))


async def test_an_inbox_shows_the_newest_first_with_its_order(world):
    await fill(world, orders=1)

    found = await inbox(world, caller=ADA)

    assert [(each["topic"], each["order"]) for each in found["nodes"]] == [
        ("ORDER_CONFIRMED", {"id": "ord_usr_ada0"}),
        ("WELCOME", None),
    ]
    assert (found["totalCount"], found["unreadCount"]) == (2, 2)


async def test_an_inbox_is_paged_both_ways(world):
    await fill(world, orders=4)

    first = await inbox(world, first=2)
    second = await inbox(world, first=2, after=first["pageInfo"]["endCursor"])
    third = await inbox(world, first=2, after=second["pageInfo"]["endCursor"])
    back = await inbox(world, last=2, before=third["pageInfo"]["startCursor"])

    ids = [each["id"] for page in (first, second, third) for each in page["nodes"]]
    assert len(set(ids)) == 5
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second, third)] == [True, True, False]
    assert back["nodes"] == second["nodes"]


async def test_an_inbox_is_open_to_its_owner_the_staff_and_services_only(world):
    await fill(world)

    assert await world.refused(INBOX, EVE, these=users("usr_ada")) == ["FORBIDDEN"]
    assert await world.refused(INBOX, ANONYMOUS, these=users("usr_ada")) == ["UNAUTHENTICATED"]
    for caller in (ADA, STAFF, Caller.service("orders")):
        assert await world.refused(INBOX, caller, these=users("usr_ada")) == []


async def test_a_message_is_read_once(world):
    await fill(world, orders=0)
    [message] = (await inbox(world))["nodes"]

    first = await world.ask(READ, ADA, id=message["id"])
    world.clock.advance(seconds=60)
    second = await world.ask(READ, ADA, id=message["id"])

    assert first["notificationMarkRead"]["notification"]["readAt"] is not None
    assert first == second
    assert (await inbox(world))["unreadCount"] == 0


@pytest.mark.parametrize("reader", [EVE, STAFF])
async def test_nobody_marks_the_message_of_somebody_else(world, reader):
    await fill(world, orders=0)
    [message] = (await inbox(world))["nodes"]

    payload = (await world.ask(READ, reader, id=message["id"]))["notificationMarkRead"]

    assert payload == {"notification": None, "errors": [{"__typename": "NotFoundError", "code": "NOT_FOUND"}]}
    assert (await inbox(world))["unreadCount"] == 1


async def test_guests_services_and_mail_cannot_be_marked(world):
    await fill(world, orders=0)
    [mail] = await world.rows("SELECT id FROM messages WHERE channel = 'email'")

    assert await world.refused(READ, ANONYMOUS, id=mail["id"]) == ["UNAUTHENTICATED"]
    refused = (await world.ask(READ, Caller.service("orders"), id=mail["id"]))["notificationMarkRead"]
    assert refused["errors"][0]["code"] == "FORBIDDEN"
    assert (await world.ask(READ, ADA, id=mail["id"]))["notificationMarkRead"]["errors"][0]["code"] == "NOT_FOUND"


async def test_ten_inboxes_cost_as_many_statements_as_one(world):
    ids = [f"usr_{n}" for n in range(10)]
    await world.publish(*(world.registered(each) for each in ids))

    assert await world.statements(INBOX, STAFF, these=users(ids[0]), first=5) == 3
    assert await world.statements(INBOX, STAFF, these=users(*ids), first=5) == 3


async def test_a_page_alone_costs_one_statement(world):
    query = """
    query($these: [_Any!]!) {
      _entities(representations: $these) { ... on User { notifications(first: 3) { nodes { subject } } } }
    }"""

    assert await world.statements(query, STAFF, these=users("usr_1", "usr_2")) == 1


async def test_each_inbox_of_a_batch_holds_its_own_messages(world):
    for user in ("usr_ada", "usr_eve"):
        await fill(world, user, orders=2)

    entities = (await world.ask(INBOX, STAFF, these=users("usr_ada", "usr_eve", "usr_new"), first=2))["_entities"]

    orders = [[node["order"]["id"] for node in each["notifications"]["nodes"]] for each in entities]
    assert orders == [["ord_usr_ada1", "ord_usr_ada0"], ["ord_usr_eve1", "ord_usr_eve0"], []]
    assert [each["notifications"]["unreadCount"] for each in entities] == [3, 3, 0]


async def test_the_staff_sees_what_became_of_every_message(world):
    await fill(world, orders=1)
    await world.deliver()

    found = (await world.ask(LOG, STAFF, first=3))["notificationDeliveries"]
    mails = (await world.ask(LOG, STAFF, where={"channel": "EMAIL", "topic": "WELCOME"}))["notificationDeliveries"]
    none = (await world.ask(LOG, STAFF, where={"state": "FAILED"}))["notificationDeliveries"]
    theirs = (await world.ask(LOG, STAFF, where={"recipient": "usr_ada"}))["notificationDeliveries"]

    assert (len(found["nodes"]), found["totalCount"], found["pageInfo"]["hasNextPage"]) == (3, 4, True)
    [mail] = mails["nodes"]
    assert (mail["recipient"], mail["state"], mail["attempts"]) == ("ada@example.com", "DELIVERED", 1)
    assert (none["nodes"], none["totalCount"]) == ([], 0)
    assert {each["channel"] for each in theirs["nodes"]} == {"INBOX"}


async def test_the_log_is_for_the_staff(world):
    assert await world.refused(LOG, ADA) == ["FORBIDDEN"]
    assert await world.refused(LOG, ANONYMOUS) == ["UNAUTHENTICATED"]


async def test_messages_loaded_in_bulk_lie_in_the_inbox_and_are_not_sent(world):
    born = datetime(2025, 1, 1, tzinfo=UTC)
    connection = await asyncpg.connect(plain_url(world.subgraph.database.url))
    await bulk.copy(
        connection,
        customers=[bulk.CustomerRow(user_id="usr_ada", email="ada@example.com", name="Ada")],
        orders=[bulk.OrderRow(order_id="ord_9", number="9", email="ada@example.com", customer_id="usr_ada")],
        messages=[
            bulk.MessageRow(
                id=f"ntf_{n}",
                event_id=f"evt_{n}",
                user_id="usr_ada",
                topic="order_confirmed",
                subject=f"Number {n}",
                text="Hello",
                created_at=born + timedelta(days=n),
                order_id="ord_9",
                read_at=born if n == 0 else None,
            )
            for n in range(3)
        ],
    )
    await connection.close()

    found = await inbox(world, caller=ADA)

    assert [each["subject"] for each in found["nodes"]] == ["Number 2", "Number 1", "Number 0"]
    assert found["unreadCount"] == 2
    assert await world.deliver() == []
    await world.publish(world.refunded("ord_9"))
    assert [mail["Subject"] for mail in await world.deliver()] == ["A refund for your order 9"]


async def test_migrations_and_tables_agree(world):
    def differences(connection):
        changes = compare_metadata(MigrationContext.configure(connection), METADATA)
        return [change for change in changes if "alembic_version" not in str(change)]

    async with world.subgraph.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
