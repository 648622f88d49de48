"""What is recommended beside a product, and to a customer."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import datetime
from itertools import combinations
from math import sqrt

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from kernel.database import count_statements, plain_url
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.identity import Caller
from subgraphs.recommendations.domain.recommendation import PRIOR
from subgraphs.recommendations.storage import bulk
from subgraphs.recommendations.storage.tables import METADATA

ADA = Caller(id="usr_ada", kind="customer")
EVE = Caller(id="usr_eve", kind="customer")
STAFF = Caller(id="usr_staff", kind="staff")

BESIDE = """
query($these: [_Any!]!, $first: Int! = 6, $kind: RecommendationKind! = BOUGHT_TOGETHER) {
  _entities(representations: $these) {
    ... on Product { id recommendations(first: $first, kind: $kind) { product { id } reason score } }
  }
}"""
FOR_USERS = """
query($these: [_Any!]!, $first: Int! = 6) {
  _entities(representations: $these) {
    ... on User { id recommendations(first: $first) { product { id } reason score } }
  }
}"""

VIEWED = """
query($these: [_Any!]!) { _entities(representations: $these) { ... on User { recentlyViewed { product { id } } } } }
"""


def products(*ids):
    return [{"__typename": "Product", "id": each} for each in ids]


def users(*ids):
    return [{"__typename": "User", "id": each} for each in ids]


async def beside(world, product, **variables):
    [entity] = (await world.ask(BESIDE, these=products(product), **variables))["_entities"]
    return [(each["product"]["id"], each["reason"]) for each in entity["recommendations"]]


async def for_user(world, user, caller=STAFF, **variables):
    [entity] = (await world.ask(FOR_USERS, caller, these=users(user), **variables))["_entities"]
    return [(each["product"]["id"], each["reason"]) for each in entity["recommendations"]]


async def test_what_is_bought_together_is_recommended_and_the_rest_is_popular(world):
    await world.buy(["tent", "pegs"], ["tent", "pegs"], ["tent", "lamp"], ["book"], ["book"], ["book"])

    assert await beside(world, "tent") == [
        ("pegs", "BOUGHT_TOGETHER"),
        ("lamp", "BOUGHT_TOGETHER"),
        ("book", "POPULAR"),
    ]


async def test_a_bestseller_does_not_win_everywhere(world):
    bestseller_alone = [["bag"]] * 60
    await world.buy(*bestseller_alone, *[["tent", "bag"]] * 6, *[["tent", "pegs"]] * 5)

    assert (await beside(world, "tent"))[0] == ("pegs", "BOUGHT_TOGETHER")


async def test_one_chance_meeting_does_not_beat_a_steady_pair(world):
    await world.buy(*[["tent", "pegs"]] * 20, *[["tent"]] * 5, *[["pegs"]] * 5, ["tent", "oddity"])

    assert [product for product, _ in await beside(world, "tent")] == ["pegs", "oddity"]


async def test_an_unknown_product_gets_what_is_popular(world):
    await world.buy(["a"], ["b", "a"])

    assert await beside(world, "unknown") == [("a", "POPULAR"), ("b", "POPULAR")]
    assert await beside(world, "a", kind="POPULAR") == [("b", "POPULAR")]


async def test_no_orders_no_recommendations(world):
    assert await beside(world, "tent") == []
    assert await for_user(world, "usr_ada") == []
    assert await world.ask("{ popularProducts { score } }") == {"popularProducts": []}


async def test_several_variants_of_a_product_count_once(world):
    await world.buy(["shirt", "shirt", "hat"])

    assert await world.rows("SELECT product_id, orders, units FROM products ORDER BY 1") == [
        {"product_id": "hat", "orders": 1, "units": 1},
        {"product_id": "shirt", "orders": 1, "units": 2},
    ]
    assert await world.rows("SELECT product_id, other_id, orders FROM product_pairs ORDER BY 1") == [
        {"product_id": "hat", "other_id": "shirt", "orders": 1},
        {"product_id": "shirt", "other_id": "hat", "orders": 1},
    ]


async def test_the_score_is_the_damped_cosine(world):
    await world.buy(*[["a", "b"]] * 3, ["a"], ["b", "c"])

    [entity] = (await world.ask(BESIDE, these=products("a"), first=1))["_entities"]

    assert entity["recommendations"][0]["score"] == pytest.approx(3 / (sqrt(4 * 4) + PRIOR))


async def test_counts_are_exact_however_often_and_concurrently_events_are_delivered(world):
    dice = random.Random(7)
    baskets = [dice.sample("abcdefgh", dice.randint(1, 5)) for _ in range(60)]
    await world.buy(*baskets)
    for _ in range(2):
        async with world.orders.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE outbox SET published_at = NULL")
        rooms = [Room(world.orders), world.subgraph.room]
        await asyncio.gather(*(EmbeddedDelivery(rooms).drain() for _ in range(4)))

    popularity = {r["product_id"]: r["orders"] for r in await world.rows("SELECT * FROM products")}
    pairs = {(r["product_id"], r["other_id"]): r["orders"] for r in await world.rows("SELECT * FROM product_pairs")}
    wanted = Counter(pair for basket in baskets for pair in combinations(sorted(basket), 2))

    assert popularity == Counter(product for basket in baskets for product in basket)
    assert pairs == {**wanted, **{(b, a): count for (a, b), count in wanted.items()}}


async def test_an_order_that_is_told_again_when_its_inbox_has_forgotten_it_is_not_counted_again(world):
    order = world.order("tent", "pegs", customer="usr_ada")
    await world.publish(order)
    before = [await world.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("products", "purchases")]
    await world.publish(order)

    assert [await world.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("products", "purchases")] == before


async def test_loading_in_bulk_counts_as_events_do(world):
    dice = random.Random(3)
    orders = [
        world.order(*dice.choices("abcdef", k=dice.randint(1, 4)), customer=dice.choice([None, "usr_1"]))
        for _ in range(40)
    ]
    counts = (
        "SELECT product_id, orders, units, last_bought_at FROM products ORDER BY 1",
        "SELECT * FROM product_pairs ORDER BY 1, 2",
        "SELECT * FROM purchases ORDER BY 1, 2",
    )
    await world.publish(*orders)
    by_events = [await world.rows(query) for query in counts]
    connection = await asyncpg.connect(plain_url(world.subgraph.database.url))
    await connection.execute(
        "SET search_path TO recommendations; TRUNCATE products, learnt_orders, product_pairs, purchases"
    )
    half = len(orders) // 2
    for part in (orders[:half], orders[half:]):
        await bulk.copy(
            connection,
            bought=[
                bulk.BoughtRow(
                    order_id=order.order_id,
                    customer_id=order.customer_id,
                    product_id=line.product_id,
                    quantity=line.quantity,
                    confirmed_at=order_time(order),
                )
                for order in part
                for line in order.lines
            ],
        )
    await connection.close()

    assert [await world.rows(query) for query in counts] == by_events


def order_time(order):
    return datetime.fromisoformat(order.confirmed_at)


async def test_a_product_that_is_not_published_is_not_shown_until_it_is_again(world):
    await world.buy(["tent", "pegs"], ["tent", "lamp"], customer="usr_ada")
    await world.buy(["lamp", "oil"])
    await world.hide("lamp")

    assert await beside(world, "tent") == [("pegs", "BOUGHT_TOGETHER"), ("oil", "POPULAR")]
    assert "lamp" not in [product for product, _ in await for_user(world, "usr_ada")]

    await world.hide("lamp", published=True)

    assert ("lamp", "BOUGHT_TOGETHER") in await beside(world, "tent")


async def test_a_customer_is_recommended_what_goes_with_purchases_without_them(world):
    await world.buy(["tent", "pegs"], customer="usr_ada")
    await world.buy(*[["tent", "lamp"]] * 4, *[["pegs", "hammer"]] * 2, ["book"], ["book"])
    await world.train()

    assert await for_user(world, "usr_ada") == [
        ("lamp", "BASED_ON_PURCHASES"),
        ("hammer", "BASED_ON_PURCHASES"),
        ("book", "TRENDING"),
    ]


async def test_a_new_customer_gets_what_is_trending(world):
    await world.buy(["a"], ["a", "b"])

    assert await for_user(world, "usr_new") == [("a", "TRENDING"), ("b", "TRENDING")]


async def test_what_somebody_bought_shows_to_them_and_the_staff_only(world):
    await world.buy(["tent", "pegs"], customer="usr_ada")

    assert await world.refused(FOR_USERS, EVE, these=users("usr_ada")) == ["FORBIDDEN"]
    assert await world.refused(FOR_USERS, these=users("usr_ada")) == ["UNAUTHENTICATED"]
    assert await world.refused(FOR_USERS, ADA, these=users("usr_ada")) == []
    assert await world.refused(FOR_USERS, Caller.service("notifications"), these=users("usr_ada")) == []


@pytest.mark.parametrize("first", [0, -1, 51])
async def test_too_many_or_none_cannot_be_asked_for(world, first):
    assert await world.refused(BESIDE, these=products("a"), first=first) == ["INVALID_INPUT"]
    assert await world.refused("query($n: Int!) { popularProducts(first: $n) { score } }", n=first) == ["INVALID_INPUT"]


async def test_ten_products_or_users_cost_as_many_statements_as_one(world):
    names = [f"p{n}" for n in range(10)]
    await world.buy(*([a, b] for a, b in combinations(names, 2)), customer="usr_0")

    await world.train()

    for kind in ("BOUGHT_TOGETHER", "SIMILAR", "POPULAR", "TRENDING"):
        assert await world.statements(BESIDE, these=products("p0"), kind=kind, first=20) == 1
        assert await world.statements(BESIDE, these=products(*names), kind=kind, first=20) == 1
    ten = [f"usr_{n}" for n in range(10)]
    assert await world.statements(FOR_USERS, STAFF, these=users("usr_0")) == 1
    assert await world.statements(FOR_USERS, STAFF, these=users(*ten)) == 1
    assert await world.statements(VIEWED, STAFF, these=users("usr_0")) == 1
    assert await world.statements(VIEWED, STAFF, these=users(*ten)) == 1


async def test_an_order_costs_a_few_statements_however_large(world):
    def counted(statements):
        return [each for each in statements if "INSERT INTO p" in each]

    with count_statements(world.subgraph.database) as small:
        await world.buy(["a", "b"], customer="usr_1")
    with count_statements(world.subgraph.database) as large:
        await world.buy([f"p{n}" for n in range(200)], customer="usr_1")

    assert len(counted(small.statements)) == len(counted(large.statements)) == 3


async def test_migrations_and_tables_agree(world):
    def differences(connection):
        changes = compare_metadata(MigrationContext.configure(connection), METADATA)
        return [change for change in changes if "alembic_version" not in str(change)]

    async with world.subgraph.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
