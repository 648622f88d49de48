"""A query that cannot be planned is shown in its shortest form, with the reason for each subgraph."""

import textwrap

import pytest

from router.composition import Composed, Subgraph, compose

IMPORTS = '["@key", "@shareable", "@external", "@requires"]'
LINK = f'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: {IMPORTS})\n'


def failures(**sdls):
    """Compose and return the messages of the errors."""
    result = compose([Subgraph(name, LINK + sdl) for name, sdl in sdls.items()])
    assert not isinstance(result, Composed)
    assert {it.code for it in result} == {"SATISFIABILITY_ERROR"}
    return [it.message for it in result]


def test_message_has_the_query_and_the_reason_for_each_subgraph():
    [message] = failures(
        a='type Query { p: P } type P @key(fields: "id") { id: ID! }',
        b='type Query { b: Int } type P @key(fields: "id", resolvable: false) { id: ID! price: Int }',
    )

    assert message == textwrap.dedent(
        """\
        This query on the supergraph cannot be planned:
        query {
          p {
            price
          }
        }
        because of P.price:
        - from subgraph "a": it has no field "P.price".
        - to subgraph "b", which has "P.price": one cannot move there, because it has no resolvable @key on "P"."""
    )


def test_key_that_cannot_be_read_is_named():
    messages = failures(
        a='type Query { p: P } type P @key(fields: "id") { id: ID! }',
        b='type P @key(fields: "sku") { sku: ID! price: Int }',
    )

    assert any('its key "sku" cannot be read before' in message for message in messages)


def test_shortest_of_several_ways_is_shown():
    [message] = failures(
        a="""
        type Query { deep: A short: P }
        type A { b: B } type B { c: C } type C { p: P }
        type P { x: Int @shareable }
        """,
        b="type Query { q: P } type P { x: Int @shareable y: Int }",
    )

    assert "query {\n  short {\n    y\n  }\n}" in message


def test_required_arguments_get_values():
    [message] = failures(
        a="""
        enum E { ONE TWO }
        input I { n: Int! e: E! optional: String }
        type Query { find(i: I!, ids: [ID!]!, name: String!, skip: Int): P }
        type P { x: Int @shareable }
        """,
        b="type Query { q: P } type P { x: Int @shareable y: Int }",
    )

    assert 'find(i: {n: 0, e: ONE}, ids: [], name: "a string") {' in message


def test_type_condition_is_part_of_the_query():
    [message] = failures(
        a="type Query { s: S } union S = A | B type A { x: Int @shareable } type B { z: Int }",
        b="type Query { a: A } type A { x: Int @shareable y: Int }",
    )

    assert "query {\n  s {\n    ... on A {\n      y\n    }\n  }\n}" in message


def test_failing_field_with_selection_shows_typename():
    [message] = failures(
        a="type Query { p: P } type P { x: Int @shareable }",
        b="type Query { q: P } type P { x: Int @shareable d: D } type D { z: Int }",
    )

    assert "    d {\n      __typename\n    }" in message


def test_requirement_that_cannot_be_read_is_the_reason():
    messages = failures(
        a='type Query { p: P } type P @key(fields: "id") { id: ID! }',
        b='type P @key(fields: "id") { id: ID! y: Int @external x: Int @requires(fields: "y") }',
        c='type Query { c: P } type P @key(fields: "other") { other: ID! y: Int }',
    )

    assert any('does not resolve "P.x": what it @requires cannot be read' in message for message in messages)


def test_each_field_is_reported_once_with_all_its_places():
    result = compose(
        [
            Subgraph("a", LINK + "type Query { p: P r: P } type P { x: Int @shareable }"),
            Subgraph("b", LINK + "type Query { q: P } type P { x: Int @shareable y: Int z: Int }"),
        ]
    )

    assert [str(place) for error in result for place in error.locations] == ["b:2:48", "b:2:55"]


@pytest.mark.parametrize("depth", [1, 5, 40])
def test_keys_are_followed_however_long_the_chain(depth):
    schemas = [Subgraph("s0", LINK + 'type Query { p: P } type P @key(fields: "k0") { k0: ID! }')]
    schemas += [
        Subgraph(f"s{n}", LINK + f'type P @key(fields: "k{n - 1}") @key(fields: "k{n}") {{ k{n - 1}: ID! k{n}: ID! }}')
        for n in range(1, depth + 1)
    ]
    schemas.append(Subgraph("last", LINK + f'type P @key(fields: "k{depth}") {{ k{depth}: ID! end: Int }}'))

    assert isinstance(compose(schemas), Composed)


def test_it_can_be_left_out():
    schemas = [
        Subgraph("a", LINK + "type Query { p: P } type P { x: Int @shareable }"),
        Subgraph("b", LINK + "type Query { q: P } type P { x: Int @shareable y: Int }"),
    ]

    assert isinstance(compose(schemas, satisfiability=False), Composed)
