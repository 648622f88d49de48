"""What buyers read is kept, in one process and between several, and never older than what was told or a bound."""

import asyncio

import pytest

from kernel.database import count_statements
from kernel.identity import ANONYMOUS, Caller
from kernel.redis import connect
from kernel.settings import Settings
from kernel.subgraph import Parts
from subgraphs.products.app import build

ADMIN = Caller(id="usr_admin", kind="admin")
PAGE = """{
  product(slug: "product-00") {
    name category { name ancestors { name } children { name } } variants { sku undiscountedPrice { amount } }
  }
}"""
RENAME = 'mutation ($name: String!) { productUpdate(id: "prod_00", input: {name: $name}) { product { name } } }'
PRICE = """mutation ($amount: Decimal!) {
  variantPriceSet(sku: "P00-S", price: {amount: $amount, currency: "EUR"}) { errors { code } }
}"""
CATEGORY = 'mutation { categoryUpdate(id: "cat_shoes", input: {name: "Footwear"}) { category { name } } }'


@pytest.fixture(params=["alone", "shared"])
async def processes(request, parts, valkey, monkeypatch):
    """Two processes that keep what buyers read, by themselves or with Redis between them."""
    monkeypatch.setenv("STOREGRAPH_PRODUCTS_CACHE_SECONDS", "600")
    if request.param == "shared":
        monkeypatch.setenv("STOREGRAPH_REDIS_URL", valkey.url)
    subgraphs = [
        build(Settings.load(), Parts(database=parts.database, calls=parts.calls, clock=parts.clock)) for _ in range(2)
    ]
    yield subgraphs
    for subgraph in subgraphs:
        for close in subgraph.on_close:
            await close()
    redis = connect(valkey.url)
    await redis.flushdb()
    await redis.aclose()


async def ask(subgraph, query, caller=ANONYMOUS, **variables):
    result = await subgraph.executor.execute(query, variables, caller=caller)
    assert not result.errors, result.errors
    return result.data


async def statements(subgraph, query):
    with count_statements(subgraph.database) as counted:
        await ask(subgraph, query)
    return counted.total


async def until(condition):
    """Wait for what holds from then on."""
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def warm(subgraph, query=PAGE):
    """Ask until nothing but what is kept is needed for the answer."""

    async def kept():
        return await statements(subgraph, query) == 0

    await until(kept)


async def test_what_was_read_once_is_not_read_again(processes, filled):
    await filled(3)
    first = processes[0]
    before = await ask(first, PAGE)
    for subgraph in processes:
        await warm(subgraph)
        assert await ask(subgraph, PAGE) == before


async def test_what_is_changed_is_seen_by_every_process_at_once_or_a_moment_later(processes, filled):
    await filled(3)
    for subgraph in processes:
        await warm(subgraph)
    first, second = processes
    for name, amount in (("Boot", "12.00"), ("Sandal", "13.00")):
        await ask(first, RENAME, ADMIN, name=name)
        await ask(second, PRICE, ADMIN, amount=amount)
        for subgraph in processes:

            async def told(subgraph=subgraph, name=name, amount=amount):
                product = (await ask(subgraph, PAGE))["product"]
                return (product["name"], product["variants"][0]["undiscountedPrice"]["amount"]) == (name, amount)

            await until(told)
            await warm(subgraph)
            assert await told()
    await ask(first, CATEGORY, ADMIN)
    for subgraph in processes:

        async def renamed(subgraph=subgraph):
            return (await ask(subgraph, PAGE))["product"]["category"]["name"] == "Footwear"

        await until(renamed)


async def test_who_works_on_the_catalogue_sees_what_they_have_just_written(processes, filled):
    await filled(3)
    first = processes[0]
    await warm(first)
    for number in range(5):
        await ask(first, RENAME, ADMIN, name=f"Name {number}")
        for subgraph in processes:
            assert (await ask(subgraph, PAGE, ADMIN))["product"]["name"] == f"Name {number}"


async def test_a_slug_that_moved_leads_to_where_it_is_now(processes, filled):
    await filled(3)
    first, _ = processes
    query = '{ product(slug: "product-01") { id } }'
    await warm(first, query)
    move = "mutation ($id: ID!, $slug: String!) { productUpdate(id: $id, input: {slug: $slug}) { errors { code } } }"
    await ask(first, move, ADMIN, id="prod_01", slug="elsewhere")
    await ask(first, move, ADMIN, id="prod_02", slug="product-01")

    async def moved():
        return (await ask(first, query))["product"]["id"] == "prod_02"

    await until(moved)


async def test_drafts_are_kept_from_buyers_as_before(processes, filled):
    await filled(1)
    first, _ = processes
    await warm(first)
    await ask(first, 'mutation { productUpdate(id: "prod_00", input: {published: false}) { errors { code } } }', ADMIN)

    async def hidden():
        return (await ask(first, PAGE))["product"] is None

    await until(hidden)


async def test_changes_during_reads_never_leave_the_past_behind(processes, filled):
    await filled(3)
    for subgraph in processes:
        await warm(subgraph)
    over = asyncio.Event()

    async def reader(subgraph):
        while not over.is_set():
            await ask(subgraph, PAGE)

    readers = [asyncio.create_task(reader(subgraph)) for subgraph in processes for _ in range(3)]
    for number in range(20):
        await ask(processes[number % 2], RENAME, ADMIN, name=f"Name {number}")
    over.set()
    await asyncio.gather(*readers)
    for subgraph in processes:

        async def newest(subgraph=subgraph):
            return (await ask(subgraph, PAGE))["product"]["name"] == "Name 19"

        await until(newest)
        await warm(subgraph)
        assert await newest()


async def test_without_redis_everything_is_read_as_ever(parts, filled, monkeypatch):
    monkeypatch.setenv("STOREGRAPH_PRODUCTS_CACHE_SECONDS", "600")
    monkeypatch.setenv("STOREGRAPH_REDIS_URL", "redis://127.0.0.1:9")
    await filled(3)
    subgraph = build(Settings.load(), parts)
    assert (await ask(subgraph, PAGE))["product"]["name"] == "Product 00"
    await warm(subgraph)
    for close in subgraph.on_close:
        await close()
