"""Which headers of the subgraphs' answers clients get."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from router.config_file import ConfigError, parse_settings
from router.execution import Engine, EngineSettings
from router.execution.exchange import Headers
from router.execution.transports import SubgraphRequest, SubgraphResponse
from router.policy.response_headers import response_header_rules
from router.server.app import create_router_app
from tests.router.policy.conftest import MakeWorld

FIRST = "type Query { hello: String slow: String } type Mutation { login: String }"
SECOND = "type Query { other: String } type Mutation { greet: String }"
BOTH = "{ hello other }"


class Shop:
    """A router over two subgraphs that answer with headers."""

    def __init__(self, make_world: MakeWorld, rules: str, sent: Mapping[str, Headers]) -> None:
        supergraph = make_world(FIRST, SECOND).supergraph
        settings = parse_settings(f"headers: {rules}", environment={})
        self.sent = sent
        self.arrived = asyncio.Event()
        ways = dict.fromkeys(supergraph.subgraphs, self)
        answer_headers = response_header_rules(settings.headers, supergraph.subgraphs)
        engine = Engine(supergraph, ways, EngineSettings(share_requests=False), answer_headers=answer_headers)
        self.app = create_router_app(engine, settings)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        name = request.operation.subgraph
        if name == "s0" and "slow" in request.operation.document:
            await self.arrived.wait()
        self.arrived.set()
        fields = {"hello": "1", "slow": "1", "other": "2", "login": "3", "greet": "4"}
        return SubgraphResponse(decoded={"data": fields}, headers=self.sent.get(name, ()))

    async def ask(self, query: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://router") as client:
            return await client.post("/graphql", json={"query": query})


def region(merge: str) -> str:
    return f"{{all: {{response: [{{propagate: {{named: X-Region, merge: {merge}}}}}]}}}}"


REGIONS: Mapping[str, Headers] = {
    "s0": (("x-region", "eu"), ("x-region", "us"), ("x-own", "1")),
    "s1": (("x-region", "asia"), ("x-region", "us")),
}


@pytest.mark.parametrize(("merge", "expected"), [("first", ["eu"]), ("last", ["us"]), ("append", ["eu", "us", "asia"])])
@pytest.mark.parametrize("query", [BOTH, "{ slow other }"], ids=["in order", "the first one last"])
async def test_headers_of_several_subgraphs(make_world: MakeWorld, merge: str, expected: list[str], query: str) -> None:
    answer = await Shop(make_world, region(merge), REGIONS).ask(query)

    assert answer.headers.get_list("x-region") == expected
    assert "x-own" not in answer.headers


async def test_rules_of_one_subgraph_come_after_those_of_all(make_world: MakeWorld) -> None:
    rules = """
  all:
    response:
      - propagate: {matching: "x-.*"}
      - insert: {name: x-via, value: storegraph}
  subgraphs:
    s0:
      response:
        - remove: {named: x-region}
        - propagate: {named: x-own, rename: X-Theirs}
        - propagate: {named: x-missing, default: "none"}
"""
    shop = Shop(make_world, rules, REGIONS)

    both, second = await shop.ask(BOTH), await shop.ask("{ other }")

    named = ("x-region", "x-own", "x-theirs", "x-missing", "x-via")
    assert {name: both.headers.get(name) for name in named} == {
        "x-region": "us",
        "x-own": "1",
        "x-theirs": "1",
        "x-missing": "none",
        "x-via": "storegraph",
    }
    assert {name for name in second.headers if name.startswith("x-")} >= {"x-region", "x-via"}
    assert "x-missing" not in second.headers


COOKIES = "{all: {response: [{propagate: {named: set-cookie, merge: append}}, {propagate: {matching: '.*'}}]}}"
SETS: Mapping[str, Headers] = {"s0": (("set-cookie", "a=1; Secure"), ("set-cookie", "b=2")), "s1": ()}


async def test_cookies_come_from_mutations_only(make_world: MakeWorld) -> None:
    """Visitors who ask for the same at one moment share an answer; none must get the session of another."""
    shop = Shop(make_world, COOKIES, SETS)

    assert (await shop.ask("mutation { login }")).headers.get_list("set-cookie") == ["a=1; Secure", "b=2"]
    assert "set-cookie" not in (await shop.ask("{ hello }")).headers


async def test_what_the_router_writes_is_not_the_subgraphs(make_world: MakeWorld) -> None:
    lying: Headers = (
        ("content-length", "5"),
        ("cache-control", "public, max-age=9"),
        ("access-control-allow-origin", "*"),
        ("x-request-id", "theirs"),
        ("x-fine", "1"),
    )
    shop = Shop(make_world, "{all: {response: [{propagate: {matching: '.*'}}]}}", {"s0": lying})

    headers = (await shop.ask("{ hello }")).headers

    assert headers["x-fine"] == "1"
    assert headers["x-request-id"] != "theirs"
    assert {"access-control-allow-origin", "cache-control"}.isdisjoint(headers)


@pytest.mark.parametrize(
    "rule",
    [
        "{propagate: {named: Content-Length}}",
        "{propagate: {named: access-control-allow-origin}}",
        "{propagate: {named: a, rename: Cache-Control}}",
        "{propagate: {named: set-cookie}}",
        "{propagate: {named: set-cookie, rename: x-cookie, merge: append}}",
        "{propagate: {named: a, merge: some}}",
        "{insert: {name: set-cookie, value: a=b}}",
        '{insert: {name: a, value: "x\\r\\nevil: 1"}}',
        "{propagate: {matching: '('}}",
        "{}",
    ],
)
def test_rules_that_cannot_be_meant(rule: str) -> None:
    with pytest.raises(ConfigError):
        parse_settings(f"headers: {{all: {{response: [{rule}]}}}}", environment={})


def test_without_rules_nobody_looks() -> None:
    assert response_header_rules(parse_settings("", environment={}).headers, ["a"]) is None
