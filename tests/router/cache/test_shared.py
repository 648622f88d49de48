"""Routers that share a store: what one has fetched the others know, what one is told they all forget."""

from __future__ import annotations

import asyncio
import json

import pytest

from router.cache.store import Store
from router.cache.tags import Change
from router.cache_settings import CacheSettings, InvalidationSettings
from router.execution.exchange import GraphQLRequest
from router.server.exchange import HttpRequest
from router.server.invalidation import InvalidationEndpoint
from tests.router.cache.changing import READS
from tests.router.cache.shop import Shop, store

PAGE = READS[0]
KEY = "a key that nobody guesses"


@pytest.fixture
async def stores(valkey, request):
    prefix = f"{request.node.name}:"
    found = [Store(CacheSettings(enabled=True, redis=valkey.url, prefix=prefix, timeout=5.0)) for _ in range(2)]
    for each in found:
        await each.far.listen()
    yield found
    for each in found:
        await each.close()


async def ask(engine):
    return (await engine.execute(GraphQLRequest(PAGE))).as_dict()["data"]["product"]["name"]


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.005)


async def test_what_one_has_fetched_another_knows(stores):
    shop = Shop()
    one, other = (shop.engine(each) for each in stores)
    await ask(one)
    while stores[0].far._tasks:
        await asyncio.gather(*stores[0].far._tasks)
    shop.asked.clear()
    assert await ask(other) == "p1"
    assert shop.asked == []


async def test_what_one_is_told_all_forget(stores):
    shop = Shop()
    one, other = (shop.engine(each) for each in stores)
    await ask(one), await ask(other)
    shop.products["1"]["name"] = "new"
    moment = stores[1].near.moment
    await stores[0].invalidate([Change(("products",), "Product", {"id": "1"})])
    await until(lambda: stores[1].near.moment > moment)
    assert [await ask(one), await ask(other)] == ["new", "new"]


async def test_without_the_store_each_goes_by_its_own_memory():
    shop, kept = Shop(), Store(CacheSettings(enabled=True, redis="redis://127.0.0.1:1", timeout=0.5))
    engine = shop.engine(kept)
    assert await ask(engine) == "p1"
    shop.asked.clear()
    assert await ask(engine) == "p1"
    assert shop.asked == []
    await kept.close()


def told(body, key=KEY, method="POST"):
    return HttpRequest(method, "/invalidation", b"", {b"authorization": key.encode()}, json.dumps(body).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "subgraph", "subgraph": "products"},
        {"kind": "type", "subgraph": "products", "type": "Product"},
        {"kind": "entity", "subgraph": "products", "type": "Product", "key": {"id": "1"}},
    ],
)
async def test_the_endpoint_says_how_many_were_forgotten(change):
    shop, kept = Shop(), store()
    await ask(shop.engine(kept))
    answer = await InvalidationEndpoint(kept, InvalidationSettings(key=KEY)).answer(told([change]))
    assert (answer.status, json.loads(answer.body)) == (202, {"count": 1})


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (told([], key="wrong"), 401),
        (told([], method="GET"), 405),
        (told([{"kind": "moon"}]), 400),
        (told({}), 400),
    ],
)
async def test_the_endpoint_takes_no_other_orders(request_, status):
    answer = await InvalidationEndpoint(store(), InvalidationSettings(key=KEY)).answer(request_)
    assert answer.status == status
