"""The plan of an operation and how it went, as the explorer asks for them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.e2e_router.conftest import Running

QUERY = "query Rated($all: Boolean = true) { products { name rating @include(if: $all) } best { rating } }"


@pytest.fixture(scope="module")
def router(start_lasting_router: Any, supergraph: Any) -> Running:
    return start_lasting_router(supergraph)


def ask(router: Running, address: str, **body: Any) -> Any:
    return httpx.post(f"{router.origin}/explorer/{address}", json=body).json()


def test_an_answer_comes_with_its_plan_timings_and_code(router: Running) -> None:
    answer = ask(router, "run", query=QUERY)
    notes = answer["extensions"]["storegraph"]

    assert answer["data"] == router.ask(QUERY)["data"]
    by_subgraph = {(each["subgraph"], bool(each["dependsOn"])): each for each in notes["fetches"]}
    products, ratings, best = (by_subgraph[key] for key in (("products", False), ("reviews", True), ("reviews", False)))
    assert ratings["dependsOn"] == [products["id"]]
    assert (ratings["entities"], ratings["paths"]) == (2, ["products.@"])
    assert (best["entities"], best["paths"]) == (0, [])
    assert all(each["status"] == 200 and each["bytes"] > 0 and each["error"] is None for each in notes["fetches"])
    assert products["started"] + products["took"] <= ratings["started"]
    assert ratings["started"] + ratings["took"] <= notes["milliseconds"]
    assert products["document"].startswith("{\n  products {")
    assert "def " in notes["code"]
    assert notes["apollo"]["kind"] == "QueryPlan"
    assert "products" in notes["text"]


def test_the_plan_is_that_of_the_variables(router: Running) -> None:
    notes = ask(router, "plan", query=QUERY, variables={"all": False})["extensions"]["storegraph"]

    assert [each["dependsOn"] for each in notes["fetches"]] == [[], []]


def test_a_plan_can_be_seen_without_running_it(router: Running) -> None:
    answer = ask(router, "plan", query="mutation { touch }")
    notes = answer["extensions"]["storegraph"]

    assert answer["data"] is None
    assert notes["kind"] == "mutation"
    assert "started" not in notes["fetches"][0]


def test_what_comes_later_is_marked(router: Running) -> None:
    query = "{ products { name ... @defer { rating } } }"

    planned = ask(router, "plan", query=query)["extensions"]["storegraph"]["fetches"]
    ran = ask(router, "run", query=query)["extensions"]["storegraph"]["fetches"]

    assert [each["deferred"] for each in planned if each["subgraph"] == "reviews"] == [True]
    assert [each["deferred"] for each in ran] == [False, False]


@pytest.mark.parametrize(
    ("query", "fetches"),
    [
        ("{ products { name ... @defer { rating } } }", [False, True]),
        ("{ products @stream(initialCount: 1) { name rating } }", [False, False, True]),
    ],
)
def test_an_answer_in_parts_tells_in_its_last(router: Running, query: str, fetches: list[bool]) -> None:
    with httpx.stream(
        "POST", f"{router.origin}/explorer/run", json={"query": query}, headers={"accept": "text/event-stream"}
    ) as response:
        parts = [json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: {")]

    notes = parts[-1]["extensions"]["storegraph"]
    assert not any("extensions" in part for part in parts[:-1])
    assert [each["deferred"] for each in notes["fetches"]] == fetches
    assert all(each["took"] > 0 for each in notes["fetches"])
    assert len(notes["delivered"]) == len(parts)
    assert notes["delivered"] == sorted(notes["delivered"])


def test_each_event_tells_how_it_was_completed(router: Running) -> None:
    body = {"query": "subscription { restocked { name rating } }"}
    with httpx.stream(
        "POST", f"{router.origin}/explorer/run", json=body, headers={"accept": "text/event-stream"}
    ) as response:
        told = [json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: {")]

    assert [each["data"]["restocked"]["rating"] for each in told] == [2, 4]
    for event in told:
        source, rating = event["extensions"]["storegraph"]["fetches"]
        assert (source["took"], rating["entities"]) == (0, 1)
        assert rating["took"] > 0


def test_a_fetch_that_failed_says_why(start_router: Any, supergraph: Any) -> None:
    router = start_router(supergraph, yaml="subgraphs: {reviews: {url: 'http://127.0.0.1:9/reviews'}}")

    answer = ask(router, "run", query=QUERY)

    failed = [each for each in answer["extensions"]["storegraph"]["fetches"] if each["subgraph"] == "reviews"]
    assert all("refused" in each["error"] and each["status"] is None for each in failed)


@pytest.mark.parametrize("address", ["run", "plan"])
def test_wrong_operations_are_refused_as_ever(router: Running, address: str) -> None:
    answer = ask(router, address, query="{ nothing }")

    assert answer["errors"] == router.ask("{ nothing }")["errors"]
    assert "extensions" not in answer


def test_the_endpoint_of_everybody_tells_nothing(router: Running) -> None:
    assert "extensions" not in router.ask(QUERY)


def test_plans_are_told_only_where_the_explorer_is(start_router: Any, supergraph: Any) -> None:
    router = start_router(supergraph, yaml="environment: production")

    assert httpx.post(f"{router.origin}/explorer/run", json={"query": QUERY}).status_code == 404
    assert httpx.post(f"{router.origin}/explorer/plan", json={"query": QUERY}).status_code == 404
