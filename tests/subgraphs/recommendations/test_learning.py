"""What is learnt beyond orders: likeness, views, trends, stock; and how it is forgotten."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from kernel.events.catalogue import CategoryChanged, InventoryChanged, UserErasureRequested
from kernel.identity import ANONYMOUS, Caller, Client
from subgraphs.recommendations.domain.viewing import MOST_A_MINUTE, MOST_NEW_GUESTS
from tests.subgraphs.recommendations.conftest import VIEW

ADA = Caller(id="usr_ada", kind="customer")
LIST = "product { id } reason because { id } explanation"
BESIDE = f"""query($id: ID!, $kind: RecommendationKind!) {{
  _entities(representations: [{{__typename: "Product", id: $id}}]) {{
    ... on Product {{ recommendations(kind: $kind) {{ {LIST} }} }} }} }}"""
MINE = f"query($token: String) {{ recommendedProducts(sessionToken: $token) {{ {LIST} }} }}"
MERGE = """mutation($token: String!) {
  recentlyViewedMerge(sessionToken: $token) { viewed { product { id } } errors { code } } }"""
VIEWED = "query($token: String) { recentlyViewed(sessionToken: $token) { product { id } viewedAt } }"


def ids(found):
    return [each["product"]["id"] for each in found]


async def beside(world, product, kind):
    [entity] = (await world.ask(BESIDE, id=product, kind=kind))["_entities"]
    return entity["recommendations"]


async def viewed(world, caller=ANONYMOUS, token=None):
    return ids((await world.ask(VIEWED, caller, token=token))["recentlyViewed"])


async def test_a_new_product_has_similar_ones_before_it_was_ever_bought(world):
    await world.know("oak", "cat_lamps", name="Oak Floor Lamp", brand="Holt", attributes={"material": ("Oak",)})
    await world.know("linen", "cat_lamps", name="Linen Floor Lamp", brand="Holt", attributes={"material": ("Linen",)})
    await world.know("desk", "cat_desks", name="Oak Desk", brand="Norr", attributes={"material": ("Oak",)})
    await world.know("book", "cat_books", name="Harbour Atlas", brand="Sextant")
    await world.train()

    found = await beside(world, "oak", "SIMILAR")

    assert ids(found) == ["linen", "desk"]
    assert found[0]["explanation"] == "Similar to Oak Floor Lamp"
    assert found[0]["because"] == {"id": "oak"}


async def test_what_cannot_be_bought_is_not_recommended_until_it_can(world):
    def stock(available):
        return InventoryChanged(sku="pegs-s", product_id="pegs", available=available, on_hand=available)

    await world.buy(["tent", "pegs"], ["tent", "lamp"])
    other = InventoryChanged(sku="pegs-l", product_id="pegs", available=0, on_hand=0)
    await world.publish(stock(3), other, stock(0))

    assert ids(await beside(world, "tent", "BOUGHT_TOGETHER")) == ["lamp"]
    assert ids((await world.ask("{ popularProducts { product { id } } }"))["popularProducts"]) == ["tent", "lamp"]

    await world.publish(stock(1))

    assert ids(await beside(world, "tent", "BOUGHT_TOGETHER")) == ["pegs", "lamp"]


async def test_popular_and_trending_by_category_look_below_it(world):
    for category, parent in (("home", None), ("lamps", "home"), ("outdoor", None)):
        await world.publish(CategoryChanged(category_id=category, name=category, parent_id=parent))
    for product, category in (("chair", "home"), ("bulb", "lamps"), ("tent", "outdoor")):
        await world.know(product, category)
    await world.buy(["bulb"], ["bulb"], ["bulb"], ["tent"], ["tent"])
    world.clock.advance(timedelta(days=60))
    await world.buy(["chair"])
    query = """query($of: ID) { popularProducts(categoryId: $of) { product { id } }
      trendingProducts(categoryId: $of) { product { id } reason explanation } }"""

    shop, home = await world.ask(query), await world.ask(query, of="home")

    assert (ids(shop["popularProducts"]), ids(shop["trendingProducts"])) == (
        ["bulb", "tent", "chair"],
        ["chair", "bulb", "tent"],
    )
    assert (ids(home["popularProducts"]), ids(home["trendingProducts"])) == (["bulb", "chair"], ["chair", "bulb"])
    assert home["trendingProducts"][0]["explanation"] == "Trending now"


async def test_a_guest_is_known_by_the_token_of_the_session_alone(world):
    for product in ("tent", "pegs", "lamp"):
        await world.know(product, name=product.title())
    await world.buy(*[["tent", "pegs"]] * 3)
    await world.train()

    token = (await world.view("tent"))["sessionToken"]
    found = (await world.ask(MINE, token=token))["recommendedProducts"]

    assert await viewed(world, token=token) == ["tent"]
    assert await viewed(world) == []
    assert found[0] == {
        "product": {"id": "pegs"},
        "reason": "BASED_ON_VIEWS",
        "because": {"id": "tent"},
        "explanation": "Because you viewed Tent",
    }
    assert await world.refused(MINE, token="gst_short") == ["INVALID_INPUT"]


async def test_views_come_latest_first_each_product_once(world):
    for product in ("tent", "pegs"):
        await world.know(product)
    for product in ("tent", "pegs", "pegs", "tent"):
        world.clock.advance(seconds=61)
        assert (await world.view(product, ADA)) == {"product": {"id": product}, "sessionToken": None, "errors": []}
    await world.view("tent", ADA)

    assert await viewed(world, ADA) == ["tent", "pegs"]
    assert await world.rows("SELECT product_id, views FROM views ORDER BY 1") == [
        {"product_id": "pegs", "views": 2},
        {"product_id": "tent", "views": 2},
    ]


async def test_at_log_in_a_guest_s_views_become_the_user_s_and_the_token_is_worth_nothing(world):
    for product in ("tent", "pegs", "lamp"):
        await world.know(product)
    await world.view("lamp", ADA)
    await world.view("tent", ADA)
    token = (await world.view("pegs"))["sessionToken"]
    world.clock.advance(seconds=61)
    await world.view("tent", token=token)
    await world.ask(VIEW, id="lamp", token=token)

    merged = (await world.ask(MERGE, ADA, token=token))["recentlyViewedMerge"]
    await world.drain()

    assert (ids(merged["viewed"]), merged["errors"]) == (["tent", "lamp", "pegs"], [])
    assert sorted(await viewed(world, ADA)) == ["lamp", "pegs", "tent"]
    assert await world.rows("SELECT views FROM views WHERE product_id = 'lamp'") == [{"views": 2}]
    assert await viewed(world, token=token) == []
    assert (await world.view("pegs", token=token))["sessionToken"] != token


async def test_nobody_else_gets_what_was_merged_and_a_guest_merges_nothing(world):
    await world.know("tent")
    token = (await world.view("tent"))["sessionToken"]

    assert await world.refused(MERGE, token=token) == ["UNAUTHENTICATED"]
    await world.ask(MERGE, ADA, token=token)
    eve = Caller(id="usr_eve", kind="customer")
    assert (await world.ask(MERGE, eve, token=token))["recentlyViewedMerge"]["viewed"] == []
    assert await viewed(world, ADA) == ["tent"]


async def test_a_view_that_was_told_at_the_moment_of_the_merging_is_found_later(world):
    await world.know("tent")
    token = (await world.view("tent"))["sessionToken"]
    await world.ask(MERGE, ADA, token=token)
    async with world.subgraph.database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(f"UPDATE views SET viewer = '{token}'")

    await world.job("recommendations.forget-guests")

    assert await viewed(world, ADA) == ["tent"]


async def test_lists_are_kept_until_their_person_does_something_or_more_is_learnt(world):
    for product in ("tent", "pegs", "lamp", "oil"):
        await world.know(product)
    await world.buy(*[["tent", "pegs"]] * 3, *[["tent", "lamp"]] * 2, *[["lamp", "oil"]] * 4)
    await world.train()
    await world.view("tent", ADA)
    live = (await world.ask(MINE, ADA))["recommendedProducts"]

    assert await world.job("recommendations.make-picks") == 1
    kept = (await world.ask(MINE, ADA))["recommendedProducts"]
    assert await world.job("recommendations.make-picks") == 0
    await world.view("lamp", ADA)
    at_once = (await world.ask(MINE, ADA))["recommendedProducts"]
    await world.job("recommendations.make-picks")
    await world.know("book")
    assert await world.train() == 1

    assert kept == live
    assert ids(kept) != ids(at_once)
    assert (await world.ask(MINE, ADA))["recommendedProducts"] == at_once
    assert await world.job("recommendations.make-picks") == 1


async def test_what_is_sold_out_is_left_out_of_a_kept_list_and_the_rest_fills_it_up(world):
    for product in ("tent", "pegs", "book"):
        await world.know(product)
    await world.buy(*[["tent", "pegs"]] * 3, ["book"])
    await world.train()
    await world.view("tent", ADA)
    await world.job("recommendations.make-picks")
    await world.publish(InventoryChanged(sku="pegs-s", product_id="pegs", available=0, on_hand=0))

    assert ids((await world.ask(MINE, ADA))["recommendedProducts"]) == ["tent", "book"]


async def test_views_are_bounded_by_viewer_and_by_address(world):
    names = [f"p{n}" for n in range(MOST_A_MINUTE + 1)]
    for name in names:
        await world.know(name)
    for name in names[:-1]:
        await world.ask(VIEW, ADA, id=name)
    await world.drain()
    crowd = Caller(client=Client(address="198.51.100.7"))
    payloads = [(await world.ask(VIEW, crowd, id="p0"))["productViewed"] for _ in range(MOST_NEW_GUESTS + 1)]

    assert (await world.view(names[-1], ADA))["errors"] == [{"code": "RATE_LIMITED"}]
    assert [payload["errors"] for payload in payloads] == [[]] * MOST_NEW_GUESTS + [[{"code": "RATE_LIMITED"}]]
    assert (await world.view("nothing", ADA))["errors"] == [{"code": "NOT_FOUND"}]


async def test_what_guests_viewed_is_forgotten_and_what_users_viewed_stays(world):
    await world.know("tent")
    token = (await world.view("tent"))["sessionToken"]
    await world.view("tent", ADA)
    world.clock.advance(timedelta(days=31))

    assert await world.job("recommendations.forget-guests") == 1
    assert (await viewed(world, token=token), await viewed(world, ADA)) == ([], ["tent"])


async def test_erasure_forgets_views_and_takes_the_name_off_their_events(world):
    await world.know("tent")
    await world.view("tent", ADA)
    await world.publish(UserErasureRequested(user_id="usr_ada", request_id="req_1"))

    assert await viewed(world, ADA) == []
    kept = await world.rows("SELECT event::text AS event FROM outbox UNION ALL SELECT event::text FROM inbox")
    telling = [row["event"] for row in kept if "ProductViewed" in row["event"]]
    assert telling
    assert not [event for event in telling if '"customer_id": "usr_ada"' in event]


async def test_one_process_trains_at_a_time_and_only_when_something_is_new(world):
    await world.buy(["tent", "pegs"], customer="usr_ada")

    assert sorted(await asyncio.gather(*(world.job("recommendations.train") for _ in range(4)))) == [0, 0, 0, 1]
    assert await world.train() == 0
    await world.buy(["tent", "lamp"], customer="usr_ada")
    assert await world.train() == 1
