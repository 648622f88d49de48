"""Declarations: what is no route is told with its place, before anything is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema

from router.config import ConfigError
from router.rest.declaration import read_declaration
from router.rest.routes import read_routes

SCHEMA = build_schema("""
  input Box { a: Int }
  type Query { a(id: ID!, box: Box): Int b: Query }
  type Mutation { set(id: ID!, box: Box!): Int }
  type Subscription { s: Int }
""")


@pytest.fixture
def declare(tmp_path: Path) -> Any:
    def declare(yaml: str) -> Any:
        path = tmp_path / "routes.yaml"
        path.write_text(yaml)
        return read_routes(read_declaration(path), tmp_path, SCHEMA, {"known": "{ b { __typename } }"}.get)

    return declare


def one(route: str, operation: str, more: str = "") -> str:
    return f"routes: [{{route: {route!r}, answer: a, operation: {operation!r} {more}}}]"


@pytest.mark.parametrize(
    ("yaml", "reason"),
    [
        ("routes: 5", "routes"),
        ("routes: [{rout: GET /a}]", "rout"),
        (one("FETCH /a", "{ a(id: 1) }"), "must be a method and a path"),
        (one("GET a", "{ a(id: 1) }"), "must be a method and a path"),
        ("routes: [{route: GET /a, operation: '{ a(id: 1) }'}]", "answer"),
        ("routes: [{route: GET /a, answer: a}]", "one of operation, file and id"),
        (one("GET /a", "{ a(id: 1) }", ", id: known"), "one of operation, file and id"),
        (one("GET /a", "{ a("), "Syntax Error"),
        (one("GET /a", "{ c }"), "Cannot query field 'c'"),
        (one("GET /a", "query A { a(id: 1) } query B { a(id: 1) }"), "one query or mutation"),
        (one("GET /a", "subscription { s }"), "one query or mutation"),
        (one("GET /a", "mutation { a: set(id: 1, box: {}) }"), "must not change anything"),
        (one("GET /a", "{ b { a(id: 1) } }"), "selects nothing under 'a'"),
        (one("GET /{no}", "query ($id: ID!) { a(id: $id) }"), "'no' goes into no variable"),
        (one("GET /a/{id}", "query ($id: ID!, $box: Box) { a(id: $id, box: $box) }"), "cannot be a text"),
        (one("GET /a", "query ($id: ID!) { a(id: $id) }", ", query: {}"), r"nothing goes into \$id"),
        (one("POST /a", "query ($id: ID!) { a(id: $id) }", ", body: box"), "the operation does not have"),
        (one("GET /a", "{ a(id: 1) }", ", query: {b: {variable: x}}"), "'b' goes into no variable"),
        (
            one("GET /a", "query ($box: Box) { a(id: 1, box: $box) }", ", query: {b: {variable: box}}"),
            "cannot be a text",
        ),
        ("routes: [{route: GET /a, answer: a, file: none.graphql}]", "cannot read"),
        ("routes: [{route: GET /a, answer: a, id: none}]", "no operation 'none' is published"),
        (
            """routes: [{route: 'GET /a/{x}', answer: a, operation: 'query ($x: ID!) { a(id: $x) }'},
            {route: 'GET /a/{y}', answer: a, operation: 'query ($y: ID!) { a(id: $y) }'}]""",
            "declared twice",
        ),
        (one("GET /a", "{ a(id: 1) }", ", location: a"), "location must begin with /"),
    ],
)
def test_what_is_no_route(declare: Any, yaml: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        declare(yaml)


def test_operations_come_from_files_and_from_published_ones(declare: Any, tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text("{ a(id: 1) }")

    first, second = declare(
        "routes: [{route: GET /a, answer: a, file: a.graphql}, {route: GET /b, answer: b, id: known}]"
    )

    assert (first.document, second.document) == ("{ a(id: 1) }", "{ b { __typename } }")


@pytest.mark.parametrize("path", ["/{id}", "/health/{id}", "/explorer/{id}"])
async def test_beginnings_that_are_taken(serve: Any, path: str) -> None:
    routes = (
        f"routes: [{{route: 'GET {path}', answer: lamp, operation: 'query ($id: ID!) {{ lamp(id: $id) {{ id }} }}'}}]"
    )

    with pytest.raises(ConfigError, match="no route can begin with"):
        serve(routes)
