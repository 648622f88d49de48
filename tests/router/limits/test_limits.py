"""What asks for too much is refused, with Apollo's codes, before anything is fetched."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from router.config import ConfigError
from router.config_file import parse_settings
from router.execution.documents import read_document
from router.execution.settings import DocumentLimits
from router.limits.measure import Size, measure
from tests.router.policy.conftest import MakeWorld, World

SHOP = """
type Query { a: Int b(ids: [ID!], where: Where): Int user: User list(first: Int): [User!] }
input Where { ids: [ID!] and: [Where!] text: String }
type User @key(fields: "id") { id: ID! name: String friend: User }
"""


def sized(world: World, query: str) -> Size:
    return measure(read_document(world.supergraph.api_schema, query, DocumentLimits()), None)


def test_operations_are_measured_as_apollo_does(make_world: MakeWorld) -> None:
    world = make_world(SHOP)
    query = """
    query Q { user { id name n: name again: name ...F } one: user @skip(if: false) { friend { ...F } } ...R a }
    fragment F on User { friend { id } }
    fragment R on Query { x: a y: b(ids: ["1", "2", "3"]) }
    """

    assert sized(world, query) == Size(depth=4, height=11, aliases=3, root_fields=5, directives=1, list_items=3)


@pytest.mark.parametrize(
    ("bound", "query", "code"),
    [
        ("max_depth: 2", "{ user { friend { id } } }", "MAX_DEPTH_LIMIT"),
        ("max_height: 2", "{ user { id name } }", "MAX_HEIGHT_LIMIT"),
        ("max_aliases: 1", "{ a x: a y: a }", "MAX_ALIASES_LIMIT"),
        ("max_root_fields: 2", "{ a ...F } fragment F on Query { x: a y: a }", "MAX_ROOT_FIELDS_LIMIT"),
        ("max_directives: 1", "{ a @skip(if: false) @include(if: true) }", "MAX_DIRECTIVES_LIMIT"),
        ("max_list_items: 2", '{ b(where: {and: [{ids: ["1", "2", "3"]}]}) }', "MAX_LIST_SIZE_LIMIT"),
    ],
)
async def test_documents_that_are_too_large(make_world: MakeWorld, bound: str, query: str, code: str) -> None:
    world = make_world(SHOP, yaml=f"limits: {{{bound}}}")
    name, number = bound.split(": ")
    wider = make_world(SHOP, yaml=f"limits: {{{name}: {int(number) + 1}}}")

    refused = await world.run(query)

    assert (refused.code, refused.status) == (code, 400)
    assert not world.asked
    assert not (await wider.run(query)).errors


async def test_tokens_are_counted_before_anything_else() -> None:
    settings = parse_settings("limits: {max_tokens: 10}", environment={})

    assert settings.limits.max_tokens == 10


@pytest.mark.parametrize(
    ("bound", "variables", "code"),
    [
        ("max_list_items: 2", {"ids": ["1", "2", "3"]}, "MAX_LIST_SIZE_LIMIT"),
        ("max_list_items: 2", {"where": {"and": [{"ids": ["1", "2", "3"]}]}}, "MAX_LIST_SIZE_LIMIT"),
        ("max_variable_bytes: 100", {"where": {"text": "x" * 100}}, "MAX_VARIABLES_SIZE_LIMIT"),
        ("max_variable_bytes: 100", {"where": {"and": [{"text": "x" * 30}] * 3}}, "MAX_VARIABLES_SIZE_LIMIT"),
    ],
)
async def test_variables_that_are_too_large(make_world: MakeWorld, bound: str, variables: Any, code: str) -> None:
    world = make_world(SHOP, yaml=f"limits: {{{bound}}}")
    query = "query ($ids: [ID!], $where: Where) { b(ids: $ids, where: $where) }"

    assert (await world.run(query, variables=variables)).code == code
    assert not world.asked
    assert not (await world.run(query, variables={"ids": ["1", "2"]})).errors


async def test_nothing_is_counted_twice_for_one_document(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="limits: {max_depth: 5}")

    await world.run("{ a }")

    assert (
        await world.engine.prepare(__import__("router.execution", fromlist=["x"]).GraphQLRequest("{ a }"))
    ).study is None


async def test_warnings_only(make_world: MakeWorld) -> None:
    world = make_world(SHOP, yaml="limits: {max_depth: 1, max_list_items: 1, warn_only: true}")

    with capture_logs() as logs:
        answer = await world.run("query ($i: [ID!]) { user { id } b(ids: $i) }", variables={"i": ["1", "2"]})

    assert answer.data == {"user": {"id": "1"}, "b": 7}
    assert [each["code"] for each in logs] == ["MAX_DEPTH_LIMIT", "MAX_LIST_SIZE_LIMIT"]


def test_bounds_must_make_sense() -> None:
    with pytest.raises(ConfigError, match="max_depth must not be negative"):
        parse_settings("limits: {max_depth: -1}", environment={})
