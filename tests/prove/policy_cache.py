"""The cache: what it answers is what the subgraphs would, it spares work, and the shop's events empty it at once."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.response_cache import PAGE, SLUGS, Figures, measure, store
from router.cache.store import Store
from router.cache_settings import CacheSettings
from router.execution.engine import Engine
from router.execution.exchange import GraphQLRequest, RequestContext
from router.policy.identity import Identity
from tests.prove.checkout import Running, graphql, log_in
from tests.prove.claims import Prover
from tests.router.cache.changing import READS, change_something
from tests.router.cache.shop import Shop
from tests.servers import Servers

STEPS, QUICK_STEPS = 3_000, 400
STAMPEDE = 300
PAGES, QUICK_PAGES = 2_000, 300
UPDATES = 10
READS_OF_STORE, QUICK_READS = 1_000, 150
SETTLED = 1.0
HIT_RATIO = 0.5
CPU_RATIO = 0.7
UPDATE = "mutation($id: ID!, $name: String!) { productUpdate(id: $id, input: {name: $name}) { errors { message } } }"


def prove_cache(prover: Prover) -> None:
    """Check everything that is claimed of the cache."""
    steps = QUICK_STEPS if prover.quick else STEPS
    with prover.part("Cached answers are those of the subgraphs, after random reads and updates"):
        asyncio.run(_differential(prover, steps))
        asyncio.run(_stampede(prover))
    with ExitStack() as ended, prover.part("Two routers that share a store"):
        servers = Servers()
        ended.callback(servers.stop)
        asyncio.run(_shared(prover, servers.valkey().url, steps))
    with prover.part("Product pages of the shop"), tempfile.TemporaryDirectory() as folder:
        pages = QUICK_PAGES if prover.quick else PAGES
        with store(Path(folder) / "data", cached=False) as (shop, metrics):
            plain = measure(shop, metrics, pages, cached=False)
        with store(Path(folder) / "data", cached=True) as (shop, metrics):
            _show(prover, plain, measure(shop, metrics, pages, cached=True))
            _events(prover, shop)
            _real_differential(prover, shop, QUICK_READS if prover.quick else READS_OF_STORE)


def _show(prover: Prover, plain: Figures, cached: Figures) -> None:
    ratio = cached.hit_ratio or 0.0
    prover.check("Hit ratio of product pages", f"{ratio:.1%}", f">= {HIT_RATIO:.0%}", ratio >= HIT_RATIO)
    spent = f"{cached.cpu_ms:.2f} of {plain.cpu_ms:.2f} ms"
    prover.check(
        "CPU of a page with the cache, of that without",
        spent,
        f"<= {CPU_RATIO:.0%}",
        cached.cpu_ms <= CPU_RATIO * plain.cpu_ms,
    )


async def _ask(engine: Engine, text: str, name: str | None) -> dict[str, Any]:
    identity = Identity(id=name, kind="customer" if name else "anonymous")
    context = RequestContext(identity=identity.facts, value=identity)
    return (await engine.execute(GraphQLRequest(text), context)).as_dict()


async def _differential(prover: Prover, steps: int) -> None:
    chance, shop, kept = random.Random(11), Shop(), Store(CacheSettings(enabled=True))
    engine, plain, wrong, spared = shop.engine(kept), shop.engine(), 0, 0
    for step in range(steps):
        if chance.random() < 0.3:
            await kept.invalidate([change_something(shop, chance, step)])
        text, name = chance.choice(READS), chance.choice(["ann", "bob", None])
        before = len(shop.asked)
        answer = await _ask(engine, text, name)
        spared += len(shop.asked) == before
        wrong += answer != await _ask(plain, text, name)
    prover.equal(f"Answers of {steps} reads, public and private, that differ from those without a cache", wrong, 0)
    prover.check("Reads for which no subgraph was asked", spared, "> 0", spared > 0)


async def _stampede(prover: Prover) -> None:
    shop = Shop()
    engine = shop.engine(Store(CacheSettings(enabled=True)))
    shop.gate.clear()
    pages = [asyncio.ensure_future(_ask(engine, READS[0], None)) for _ in range(STAMPEDE)]
    await shop.was_asked.wait()
    await asyncio.sleep(0.05)
    shop.gate.set()
    await asyncio.gather(*pages)
    prover.equal(
        f"Requests of {STAMPEDE} clients at once to each subgraph", sorted(shop.asked), [("products", 0), ("users", 1)]
    )


async def _shared(prover: Prover, redis: str, steps: int) -> None:
    """Read from two routers and tell changes to either; what the other hears late may be old for a moment only."""
    chance, shop = random.Random(12), Shop()
    stores = [Store(CacheSettings(enabled=True, redis=redis, timeout=2.0)) for _ in range(2)]
    for each in stores:
        assert each.far is not None
        await each.far.listen()
    engines, plain, wrong, longest = [shop.engine(each) for each in stores], shop.engine(), 0, 0.0
    for step in range(steps // 4):
        if chance.random() < 0.3:
            moments = [each.near.moment for each in stores]
            begun = time.monotonic()
            await chance.choice(stores).invalidate([change_something(shop, chance, step)])
            while any(map(_is_at, stores, moments)):  # noqa: ASYNC110 - a store tells nobody
                await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - begun)
        text, name = chance.choice(READS), chance.choice(["ann", "bob", None])
        wrong += await _ask(chance.choice(engines), text, name) != await _ask(plain, text, name)
    prover.equal(f"Answers of {steps // 4} reads from two routers that differ", wrong, 0)
    prover.at_most("Seconds until both have forgotten what one was told", longest, 1.0, "s")
    for each in stores:
        await each.close()


def _is_at(each: Store, moment: int) -> bool:
    return each.near.moment == moment


def _events(prover: Prover, shop: Running) -> None:
    """Change products as an administrator, and look how long their pages show the old name."""
    token = log_in(shop.url, "admin")
    slugs = [node["slug"] for node in graphql(shop.url, SLUGS)["data"]["products"]["nodes"][:UPDATES]]
    longest = 0.0
    for number, slug in enumerate(slugs):
        product = graphql(shop.url, PAGE, {"slug": slug})["data"]["product"]
        name = f"{product['name']} {number}"
        told = graphql(shop.url, UPDATE, {"id": product["id"], "name": name}, token)
        assert told["data"]["productUpdate"]["errors"] == [], told
        begun = time.monotonic()
        while graphql(shop.url, PAGE, {"slug": slug})["data"]["product"]["name"] != name:
            if time.monotonic() - begun > 10:
                break
        longest = max(longest, time.monotonic() - begun)
    prover.at_most(f"Seconds that a page is old after ProductUpdated, the longest of {UPDATES}", longest, 1.0, "s")


def _real_differential(prover: Prover, shop: Running, steps: int) -> None:
    """Read pages in between changes, and compare with what an administrator is told, for whom nothing is kept.

    An alias that nobody has used makes that question a new one. Answers are compared once changes had time to be heard.
    """
    chance, admin, buyer = random.Random(13), log_in(shop.url, "admin"), log_in(shop.url, "customer")
    slugs = [node["slug"] for node in graphql(shop.url, SLUGS)["data"]["products"]["nodes"]][:UPDATES]
    wrong = 0
    for step in range(steps):
        slug = chance.choice(slugs)
        if step % 25 == 0:
            product = graphql(shop.url, PAGE, {"slug": slug})["data"]["product"]
            graphql(shop.url, UPDATE, {"id": product["id"], "name": f"Changed {step}"}, admin)
            time.sleep(SETTLED)
        kept = graphql(shop.url, PAGE, {"slug": slug}, chance.choice(["", buyer]))
        asked = graphql(shop.url, PAGE.replace("id name", f"id once{step}: id name", 1), {"slug": slug}, admin)
        asked["data"]["product"].pop(f"once{step}")
        wrong += kept != asked
    prover.equal(f"Pages of the store, of {steps} between changes, that differ from what is stored", wrong, 0)
