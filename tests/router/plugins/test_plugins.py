"""Plugins see, change and answer what passes their stages; what none of them overrides is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import ConfigError
from router.config_file import parse_settings
from router.execution.errors import RequestError
from router.plugins import GraphQLRequest, GraphQLResponse, Outcome, Plugin, SubgraphResponse
from router.plugins.loading import load_plugins
from router.plugins.stages import plugged_streams, plugged_transports
from router.plugins.testing import plugged

EXAMPLE = Path(__file__).parents[3] / "examples" / "plugins" / "tenants.py"
SCHEMAS = {"shop": "type Query { hello: String }"}


def world(*_):
    return {"hello": "world"}


def tenants():
    settings = parse_settings(f"plugins: [{{use: '{EXAMPLE}:Tenants', settings: {{known: [acme]}}}}]")
    return load_plugins(settings.plugins)[0]


async def test_the_example_lets_known_tenants_in():
    async with plugged(tenants(), SCHEMAS, world) as router:
        answer = await router.ask("{ hello }", headers={"x-tenant": "acme"})
        refused = await router.ask("{ hello }", headers={"x-tenant": "evil"})
    assert (answer.status, answer.json, answer.headers[b"x-tenant"]) == (200, {"data": {"hello": "world"}}, b"acme")
    assert (refused.status, refused.json["errors"][0]["extensions"]["code"]) == (403, "UNKNOWN_TENANT")
    assert [("x-tenant-checked", "yes") in each.headers for each in router.fetches] == [True]


class Rewriting(Plugin):
    async def operation(self, request, context):
        if "secret" in request.query:
            return GraphQLResponse(Outcome.EXECUTED, {"secret": None})
        if "wrong" in request.query:
            raise RequestError("Not like this.")
        if "broken" in request.query:
            raise ZeroDivisionError
        return GraphQLRequest("{ hello }")

    async def fetched(self, request, response):
        return SubgraphResponse(decoded={"data": {"hello": "you"}})


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("{ anything }", 200, {"data": {"hello": "you"}}),
        ("{ secret }", 200, {"data": {"secret": None}}),
        ("{ wrong }", 200, "Not like this."),
        ("{ broken }", 500, "Internal error"),
    ],
)
async def test_operations_and_answers_of_subgraphs_can_be_changed(query, status, told):
    async with plugged(Rewriting(), SCHEMAS, world) as router:
        answer = await router.ask(query)
    assert answer.status == status
    assert (answer.json if isinstance(told, dict) else answer.json["errors"][0]["message"]) == told


class Canned(Plugin):
    async def fetch(self, request):
        return SubgraphResponse(body=b'{"data":{"hello":"canned"}}')


async def test_a_plugin_can_stand_in_for_a_subgraph():
    async with plugged(Canned(), SCHEMAS, world) as router:
        answer = await router.ask("{ hello }")
    assert (answer.json, router.fetches) == ({"data": {"hello": "canned"}}, [])


class Marking(Plugin):
    async def event(self, request, response):
        return SubgraphResponse(body=response.body + b"!")


async def test_events_pass_too():
    class Streams:
        async def open(self, request):
            yield SubgraphResponse(body=b"1")

    streams = plugged_streams({"shop": Streams()}, [Marking()])
    assert [event.body async for event in streams["shop"].open(None)] == [b"1!"]


def test_a_stage_without_plugins_is_not_there():
    transports = {"shop": object()}
    assert plugged_transports(transports, [Marking()]) is transports
    assert plugged_streams(transports, [Canned()]) is transports


@pytest.mark.parametrize(
    ("use", "told"),
    [
        ("nowhere.to.be:Found", "No module named 'nowhere'"),
        ("router.plugins:Missing", "no attribute 'Missing'"),
        ("pathlib:Path", "is no router.plugins.Plugin"),
        (f"{EXAMPLE}:Tenants", "missing 1 required positional argument"),
    ],
)
def test_what_cannot_be_loaded_is_told(use, told):
    settings = parse_settings(f"plugins: [{{use: '{use}'}}]")
    with pytest.raises(ConfigError, match=told):
        load_plugins(settings.plugins)
