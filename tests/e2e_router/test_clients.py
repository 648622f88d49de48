"""Clients as people use them, from npm and PyPI, against a running router."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.e2e_router.conftest import Running
from tests.node_packages import NodePackages

HERE = Path(__file__).parent / "clients"
YAML = "apq: {enabled: true}\n"
PRODUCTS = [("1", "Lamp", 2), ("2", "Desk", 4)]


@pytest.fixture(scope="module")
def router(start_lasting_router: Any, supergraph: Path) -> Running:
    return start_lasting_router(supergraph, yaml=YAML)


@pytest.fixture(scope="module")
def run(router: Running, node_packages: NodePackages) -> Any:
    """Run a client's script; what came of its steps."""

    def run(script: str, *arguments: str) -> Any:
        environment = node_packages(HERE, "@apollo/client")
        command = ["node", str(HERE / script), router.url, *arguments]
        done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def rated(data: Any) -> list[tuple[str, str, int]]:
    return [(each["id"], each["name"], each["rating"]) for each in data["products"]]


def events(found: list[Any]) -> list[tuple[str, int]]:
    return [(each["restocked"]["name"], each["restocked"]["rating"]) for each in found]


def deferred(found: list[Any]) -> None:
    """What is deferred is there in the end; whether a client shows what came before depends on how soon it follows."""
    assert [each["name"] for each in found[0]["products"]] == ["Lamp", "Desk"]
    assert rated(found[-1]) == PRODUCTS


def streamed(found: list[Any]) -> None:
    """The first item may have come alone; in the end all are there."""
    assert rated(found[0])[:1] == PRODUCTS[:1]
    assert rated(found[-1]) == PRODUCTS


EVENTS = [("Lamp", 2), ("Desk", 4)]


def test_apollo_client(run: Any) -> None:
    results = run("apollo.mjs")

    assert rated(results["query"]) == PRODUCTS
    assert results["mutation"] == {"touch": 1}
    assert rated(results["persisted"]["first"]) == rated(results["persisted"]["second"]) == PRODUCTS
    assert results["persisted"]["texts"] == [False, True, False]
    assert events(results["subscription"]) == EVENTS
    deferred(results["deferred"])
    deferred(results["deferredToday"])
    streamed(results["streamed"])


def test_urql(run: Any) -> None:
    results = run("urql.mjs")

    assert rated(results["query"]) == PRODUCTS
    assert results["mutation"] == {"touch": 1}
    assert rated(results["persisted"]["first"]) == rated(results["persisted"]["second"]) == PRODUCTS
    assert results["persisted"]["methods"] == ["GET", "GET"]
    assert events(results["subscription"]) == EVENTS
    deferred(results["deferred"])
    streamed(results["streamed"])


@pytest.mark.parametrize("script", ["graphql-ws.mjs", "graphql-sse.mjs"])
def test_clients_of_streams(run: Any, script: str) -> None:
    results = run(script)

    assert rated(results["query"][0]) == PRODUCTS
    assert results["mutation"] == [{"touch": 1}]
    assert events(results["subscription"]) == EVENTS


def test_graphql_sse_on_a_single_connection(run: Any) -> None:
    results = run("graphql-sse.mjs", "single")

    assert rated(results["query"][0]) == PRODUCTS
    assert results["mutation"] == [{"touch": 1}]
    assert events(results["subscription"]) == EVENTS
    followed, asked, in_parts = results["together"]
    assert (events(followed), rated(asked[0])) == (EVENTS, PRODUCTS)
    assert [each["name"] for each in in_parts[0]["products"]] == ["Lamp", "Desk"]
    assert events([results["stopped"]]) == EVENTS[:1]
    assert "status" in results["refused"]
    sent = results["requests"]
    assert (sent.count("PUT"), sent.count("GET"), sent.count("DELETE")) == (1, 1, 1), sent


def test_a_relay_network_layer(run: Any) -> None:
    results = run("relay.mjs")

    assert rated(results["query"]["data"]) == PRODUCTS
    assert results["mutation"]["data"] == {"touch": 1}
    assert results["query"]["type"] == "application/graphql-response+json"


async def test_gql_of_python(router: Running) -> None:
    async with Client(transport=HTTPXAsyncTransport(url=router.url), fetch_schema_from_transport=True) as session:
        assert rated(await session.execute(gql("{ products { id name rating } }"))) == PRODUCTS
        assert await session.execute(gql("mutation { touch }")) == {"touch": 1}
    address = router.url.replace("http", "ws")
    async with Client(transport=WebsocketsTransport(url=address)) as session:
        found = [each async for each in session.subscribe(gql("subscription { restocked { name rating } }"))]
    assert events(found) == EVENTS
