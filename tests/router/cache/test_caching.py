"""What is known is not asked for again; what has changed is forgotten; nobody sees what belongs to another."""

from __future__ import annotations

import asyncio
import random

import pytest

from router.cache.store import Store
from router.cache.tags import Change
from router.cache_settings import CacheSettings
from router.execution.exchange import GraphQLRequest, RequestContext
from router.policy.identity import Identity
from tests.router.cache.changing import READS, change_something
from tests.router.cache.shop import Shop, store

PAGE, LIST = READS[:2]


@pytest.fixture
def shop():
    return Shop()


def caller(name: str | None) -> RequestContext:
    identity = Identity(id=name, kind="customer" if name else "anonymous")
    return RequestContext(identity=identity.facts, value=identity)


async def ask(engine, text, name=None, **variables):
    response = await engine.execute(GraphQLRequest(text, variables), caller(name))
    return response.as_dict()


async def test_what_is_known_is_not_asked_for(shop):
    engine = shop.engine(store())
    first = await ask(engine, PAGE)
    asked = len(shop.asked)
    assert await ask(engine, PAGE) == first
    assert first["data"]["product"]["score"] == 0
    assert len(shop.asked) == asked == 2


async def test_only_missing_entities_are_asked_for(shop):
    engine = shop.engine(store())
    await ask(engine, "{ product(id: 1) { id score } }")
    shop.asked.clear()
    answer = await ask(engine, LIST)
    assert [each["score"] for each in answer["data"]["products"]] == [0, 0, 0]
    assert ("users", 2) in shop.asked


async def test_what_nothing_is_said_of_is_not_kept(shop):
    engine = shop.engine(store())
    await ask(engine, "{ now }")
    shop.time = 5
    assert (await ask(engine, "{ now }"))["data"] == {"now": 5}


async def test_a_stampede_makes_one_request(shop):
    engine = shop.engine(store())
    shop.gate.clear()
    pages = [asyncio.ensure_future(ask(engine, PAGE)) for _ in range(50)]
    await shop.was_asked.wait()
    await asyncio.sleep(0)
    shop.gate.set()
    answers = await asyncio.gather(*pages)
    assert shop.asked == [("products", 0), ("users", 1)]
    assert all(answer == answers[0] for answer in answers)


async def test_who_leaves_a_stampede_takes_nothing_from_the_others(shop):
    engine = shop.engine(store())
    shop.gate.clear()
    pages = [asyncio.ensure_future(ask(engine, PAGE)) for _ in range(3)]
    await shop.was_asked.wait()
    pages[0].cancel()
    await asyncio.sleep(0)
    shop.gate.set()
    answers = await asyncio.gather(*pages, return_exceptions=True)
    assert answers[1] == answers[2]
    assert answers[1]["data"]["product"]["name"] == "p1"


async def test_nobody_sees_what_is_anothers(shop):
    engine = shop.engine(store())
    shop.users["ann"]["mine"]["1"] = 7
    page = "{ me { id name } product(id: 1) { id mine } }"
    for _ in range(2):
        ann, bob, nobody = await ask(engine, page, "ann"), await ask(engine, page, "bob"), await ask(engine, page)
        assert (ann["data"]["me"]["name"], ann["data"]["product"]["mine"]) == ("ann", 7)
        assert (bob["data"]["me"]["name"], bob["data"]["product"]["mine"]) == ("bob", 0)
        assert (nobody["data"]["me"], nobody["data"]["product"]["mine"]) == (None, None)


@pytest.mark.parametrize(
    "change",
    [
        Change(("products",)),
        Change(("products",), "Product"),
        Change(("products",), "Product", {"id": "1"}),
        Change(tag="product-1"),
    ],
)
async def test_what_has_changed_is_forgotten(shop, change):
    kept = store()
    engine = shop.engine(kept)
    entity = "{ me { id likes { id name } } }"
    await ask(engine, entity, "ann")
    shop.products["1"]["name"] = "new"
    assert (await ask(engine, entity, "ann"))["data"]["me"]["likes"]["name"] == "p1"
    assert await kept.invalidate([change]) > 0
    assert (await ask(engine, entity, "ann"))["data"]["me"]["likes"]["name"] == "new"


async def test_what_is_not_concerned_stays(shop):
    kept = store()
    engine = shop.engine(kept)
    await ask(engine, PAGE)
    shop.asked.clear()
    assert await kept.invalidate([Change(("products",), "Product", {"id": "2"}), Change(tag="product-2")]) == 0
    await ask(engine, PAGE)
    assert shop.asked == []


async def test_a_list_has_the_tag_of_its_arguments(shop):
    kept = store()
    engine = shop.engine(kept)
    await ask(engine, "query($n: Int) { products(first: $n) { id } }", n=3)
    assert await kept.invalidate([Change(tag="page-3")]) == 0  # the planner's variables have names of their own
    assert await kept.invalidate([Change(("products",), "Product", {"id": "5"})]) == 1


async def test_an_answer_that_was_under_way_when_something_changed_is_not_kept(shop):
    kept = store()
    engine = shop.engine(kept)
    shop.gate.clear()
    early = asyncio.ensure_future(ask(engine, PAGE))
    await shop.was_asked.wait()
    shop.products["1"]["name"] = "new"
    await kept.invalidate([Change(("products",), "Product", {"id": "1"})])
    late = asyncio.ensure_future(ask(engine, PAGE))
    await asyncio.sleep(0.01)
    shop.gate.set()
    assert (await early)["data"]["product"]["name"] == "p1"
    assert (await late)["data"]["product"]["name"] == "new"
    assert (await ask(engine, PAGE))["data"]["product"]["name"] == "new"


async def test_failures_are_not_kept(shop):
    engine = shop.engine(store())
    shop.failing = True
    assert (await ask(engine, PAGE))["errors"]
    shop.failing = False
    assert "errors" not in await ask(engine, PAGE)


async def test_old_answers_are_used_while_new_ones_are_fetched(shop, now):
    kept = Store(CacheSettings(enabled=True, stale=30), now=now)
    engine = shop.engine(kept)
    await ask(engine, PAGE)
    shop.products["1"]["name"] = "new"
    now.time += 61
    assert (await ask(engine, PAGE))["data"]["product"]["name"] == "p1"
    await asyncio.sleep(0.01)
    assert (await ask(engine, PAGE))["data"]["product"]["name"] == "new"
    now.time += 91
    shop.products["1"]["name"] = "newer"
    assert (await ask(engine, PAGE))["data"]["product"]["name"] == "newer"


async def test_memory_is_bounded(shop):
    kept = store(memory_bytes=3_000)
    engine = shop.engine(kept)
    for number in range(6):
        await ask(engine, f"{{ product(id: {number}) {{ id name }} }}")
    assert 0 < len(kept.near) < 6


async def test_random_reads_and_updates(shop):
    chance = random.Random(7)
    kept = store(memory_bytes=20_000)
    engine, plain = shop.engine(kept), shop.engine()
    for step in range(200):
        if chance.random() < 0.3:
            await kept.invalidate([change_something(shop, chance, step)])
        text, name = chance.choice(READS), chance.choice(["ann", "bob", None])
        assert await ask(engine, text, name) == await ask(plain, text, name)
