"""What is refused to somebody is neither fetched for them nor got by way of what others have asked."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from router.cache.store import Store
from router.cache_settings import CacheSettings, SubgraphCacheSettings
from router.config_file import parse_settings
from router.policy.identity import ANONYMOUS, Identity, InvalidTokenError
from router.server.app import RouterApp, create_router_app
from router.server.exchange import HttpRequest, Response
from tests.router.policy.conftest import MakeWorld, World, holder
from tests.router.policy.test_authorization import SHOP, STOCK

CALLERS = {
    "nobody": ANONYMOUS,
    "ann": Identity(id="ann", kind="customer"),
    "staff": holder("staff"),
    "reader": holder("read:reports", "email", "personal"),
    "admin": holder("admin", "staff", "refund", "email", "personal"),
}
QUERIES = (
    "{ products { id name cost } }",
    "{ products { id cost margin stock } }",
    "{ low { id stock margin } }",
    "{ me { id name email } }",
    "{ safe report { lines } }",
    "{ things { id ... on Open { free } ... on Closed { hidden } } }",
    "{ token safe }",
)
SECRETS = {
    "cost": {"staff", "admin"},
    "margin": {"staff", "admin"},
    "email": {"reader", "admin"},
    "report": {"reader", "admin"},
    "me": {"ann", "staff", "reader", "admin"},
    "token": {"ann", "staff", "reader", "admin"},
}


def kept() -> Store:
    """A cache that keeps everything that any subgraph says."""
    return Store(CacheSettings(enabled=True, everywhere=SubgraphCacheSettings(max_age=60)))


class Verifier:
    """Takes a name for a token."""

    def remembered(self, authorization: bytes | None) -> Identity | None:
        return ANONYMOUS if authorization is None else None

    async def identify(self, authorization: bytes | None) -> Identity:
        name = (authorization or b"Bearer nobody").removeprefix(b"Bearer ").decode()
        if name not in CALLERS:
            raise InvalidTokenError("the token is not valid")
        return CALLERS[name]


def app_of(world: World) -> RouterApp:
    return create_router_app(world.engine, parse_settings("", environment={}), verifier=Verifier())


async def post(app: RouterApp, name: str, body: Mapping[str, Any]) -> Any:
    headers = {b"content-type": b"application/json"}
    if name != "nobody":
        headers[b"authorization"] = b"Bearer " + name.encode()
    answer = await app.respond(HttpRequest("POST", "/graphql", b"", headers, orjson.dumps(body)))
    assert isinstance(answer.response, Response)
    return orjson.loads(answer.response.body)


def by_digest(query: str, *, told: bool = False) -> dict[str, Any]:
    digest = hashlib.sha256(query.encode()).hexdigest()
    body: dict[str, Any] = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    return body | {"query": query} if told else body


@pytest.mark.parametrize("first", ["admin", "nobody"])
@pytest.mark.parametrize("query", QUERIES)
async def test_what_one_may_have_is_not_kept_for_another(make_world: MakeWorld, query: str, first: str) -> None:
    world, plain = make_world(SHOP, STOCK, kept=kept()), make_world(SHOP, STOCK)
    order = [first, *(name for name in CALLERS if name != first)]

    for name in (*order, *order):
        answer = await world.run(query, CALLERS[name])
        assert answer.as_dict() == (await plain.run(query, CALLERS[name])).as_dict(), name
        for secret in (each for each, allowed in SECRETS.items() if name not in allowed):
            assert not is_asked(world, secret), (name, secret)


def is_asked(world: World, field: str) -> bool:
    return any(word == field for word in world.documents.replace("{", " ").replace("}", " ").split())


async def test_random_callers_over_one_cache_get_what_they_get_without(make_world: MakeWorld) -> None:
    store, chance = kept(), random.Random(7)
    world, plain = make_world(SHOP, STOCK, kept=store), make_world(SHOP, STOCK)
    spared = 0

    for _ in range(300):
        name, query = chance.choice(list(CALLERS)), chance.choice(QUERIES)
        answer = await world.run(query, CALLERS[name])
        spared += not world.asked
        assert answer.as_dict() == (await plain.run(query, CALLERS[name])).as_dict(), (name, query)

    assert spared > 150, "the cache was of use"


@pytest.mark.parametrize("query", QUERIES)
async def test_an_operation_that_others_have_named_withholds_what_it_must(make_world: MakeWorld, query: str) -> None:
    app, plain = app_of(make_world(SHOP, STOCK, kept=kept())), make_world(SHOP, STOCK)
    await post(app, "admin", by_digest(query, told=True))

    for name in (*CALLERS, *CALLERS):
        answer = await post(app, name, by_digest(query))
        assert answer == orjson.loads((await plain.run(query, CALLERS[name])).body), name


async def test_equal_requests_at_one_moment_are_answered_to_each_by_what_they_may_have(make_world: MakeWorld) -> None:
    world, plain = make_world(SHOP, STOCK, kept=kept()), make_world(SHOP, STOCK)
    app, query = app_of(world), QUERIES[1]
    names = [name for name in CALLERS for _ in range(3)]
    random.Random(3).shuffle(names)

    answers = await asyncio.gather(*(post(app, name, {"query": query}) for name in names))

    for name, answer in zip(names, answers, strict=True):
        assert answer == orjson.loads((await plain.run(query, CALLERS[name])).body), name


async def test_a_refused_mutation_is_not_run_by_its_name_either(make_world: MakeWorld) -> None:
    world = make_world(SHOP, kept=kept())
    app, mutation = app_of(world), 'mutation { refund(id: "1") touch }'
    assert (await post(app, "admin", by_digest(mutation, told=True)))["data"] == {"refund": 7, "touch": 7}
    world.asked.clear()

    answer = await post(app, "ann", by_digest(mutation))

    assert answer["data"] == {"refund": None, "touch": 7}
    assert "refund" not in world.documents
