"""Documents become a schema and text again."""

import pytest
from graphql import GraphQLSyntaxError, build_schema, parse, print_ast

from router.sdl.model import Kind
from router.sdl.printer import print_schema
from router.sdl.reader import read_schema

DOCUMENT = '''"""
The shop
in two lines
"""
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
{
  query: Q
  mutation: M
}

"""A mark"""
directive @mark(level: Int = 3, names: [String!]) repeatable on OBJECT | UNION

"""A query"""
type Q implements A & B
  @mark
  @mark(level: 4, names: ["x", "y"])
{
  """The id"""
  id(
    """Which one"""
    of: In = {a: 1, e: RED}
    other: [[Int!]]
  ): ID! @deprecated(reason: "no \\"more\\"")
  plain: Int
}

interface A {
  id: ID!
}

interface B implements A {
  id: ID!
}

union U = Q | M

union V
  @mark
 = Q

enum E {
  """Red"""
  RED
  BLUE @deprecated
}

input In {
  a: Int = 0
  e: E @deprecated
}

scalar Date @specifiedBy(url: "https://x")

type M {
  set: Boolean
}

type Empty
'''


def test_printing_what_was_read_changes_nothing_but_layout():
    printed = print_schema(read_schema(DOCUMENT).schema)

    assert print_ast(parse(printed)) == print_ast(parse(DOCUMENT))
    assert print_schema(read_schema(printed).schema) == printed


def test_extensions_are_folded_in():
    reading = read_schema(
        """
        extend type Q @x { b: Int }
        type Q @y { a: Int }
        extend type Q implements I { c: Int }
        extend enum E { B }
        """
    )
    q, e = reading.schema.types["Q"], reading.schema.types["E"]

    assert reading.problems == []
    assert list(q.fields) == ["b", "a", "c"]
    assert [it.extension for it in q.fields.values()] == [1, 0, 2]
    assert [(it.name, it.extension) for it in q.directives] == [("x", 1), ("y", 0)]
    assert q.is_defined
    assert not e.is_defined
    assert e.kind is Kind.ENUM


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type A { x: Int } type A { y: Int }", 'There can be only one type named "A".'),
        ("type A { x: Int } extend input A { y: Int }", '"A" is defined as object and as input object.'),
        ("type A { x: Int x: Int }", 'Field "A.x" can only be defined once.'),
        ("type A { x(a: Int, a: Int): Int }", 'Argument "A.x(a:)" can only be defined once.'),
        ("input A { x: Int } extend input A { x: Int }", 'Field "A.x" can only be defined once.'),
        ("enum A { X X }", 'Enum value "A.X" can only be defined once.'),
        ("type A implements I & I { x: Int }", '"A" implements "I" twice.'),
        ("union A = B | B", '"A" includes "B" twice.'),
        ("directive @a on OBJECT directive @a on OBJECT", 'There can be only one directive named "@a".'),
        ("type A @b(c: 1, c: 2) { x: Int }", 'There can be only one argument named "c".'),
        ("schema { query: A } schema { query: A }", "Must provide only one schema definition."),
        ("schema { query: A query: B }", "There can be only one query type in schema."),
        ("query { a }", "Only type system definitions are allowed in a schema, not operations or fragments."),
    ],
)
def test_problems(text, message):
    found = read_schema(text).problems

    assert message in [it.message for it in found]
    assert all(0 <= it.at < len(text) for it in found)


def test_syntax_errors_are_raised():
    with pytest.raises(GraphQLSyntaxError):
        read_schema("type {")


def test_possible_types_follow_changes_after_reindex():
    schema = read_schema("interface I { x: Int } type A implements I { x: Int } union U = A").schema

    assert schema.possible_types("I") == ["A"]
    assert schema.possible_types("U") == ["A"]
    assert schema.possible_types("A") == ["A"]
    assert schema.possible_types("Nope") == []
    schema.types["B"] = read_schema("type B implements I { x: Int }").schema.types["B"]
    schema.reindex()
    assert schema.possible_types("I") == ["A", "B"]


def test_printed_schema_is_one_that_graphql_core_builds():
    text = (
        DOCUMENT.replace("type Empty\n", "")
        .replace("implements A & B", "")
        .replace('@link(url: "https://specs.apollo.dev/link/v1.0")', "")
    )

    assert build_schema(print_schema(read_schema(text).schema)).query_type.name == "Q"
