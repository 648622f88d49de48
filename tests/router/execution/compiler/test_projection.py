"""The answer is the client's: its fields, its order, null by the types."""

from __future__ import annotations

import orjson
import pytest

SDL = """
interface Node { id: ID! }
type Book implements Node { id: ID! title: String! pages: Int! }
type Film implements Node { id: ID! title: String minutes: Int }
union Work = Book | Film
enum Colour { RED GREEN }
type Shelf { name: String! books: [Book!]! grid: [[Int!]] matrix: [[Book!]!] colour: Colour colours: [Colour!] }
type Query { shelf: Shelf must: Shelf! shelves: [Shelf] nodes: [Node] works: [Work!] any: Node }
"""


async def test_order_and_aliases_are_the_clients(bench):
    answer = await bench.answer(
        SDL,
        "{ shelf { second: name books { title id } name ...F } } fragment F on Shelf { colour name }",
        {"shelf": {"colour": "RED", "name": "n", "hidden": 1, "books": [{"id": "1", "title": "t"}], "second": "n"}},
    )
    assert orjson.dumps(answer) == (
        b'{"shelf":{"second":"n","books":[{"title":"t","id":"1"}],"name":"n","colour":"RED"}}'
    )


@pytest.mark.parametrize(
    ("query", "data", "expected"),
    [
        ("{ shelf { name } }", {"shelf": {"name": None}}, {"shelf": None}),
        ("{ shelf { name } }", {"shelf": {}}, {"shelf": None}),
        ("{ must { name } }", {"must": {"name": None}}, None),
        ("{ must { name } }", {}, None),
        ("{ shelf { books { title } } }", {"shelf": {"books": [{"title": None}]}}, {"shelf": None}),
        ("{ shelf { books { title } } }", {"shelf": {"books": [None]}}, {"shelf": None}),
        ("{ shelf { grid } }", {"shelf": {"grid": [[1, None], [2], None]}}, {"shelf": {"grid": [None, [2], None]}}),
        (
            "{ shelf { matrix { id } } }",
            {"shelf": {"matrix": [[{"id": "1"}], [{"id": None}]]}},
            {"shelf": {"matrix": None}},
        ),
        (
            "{ shelves { name } }",
            {"shelves": [{"name": None}, {"name": "x"}, None]},
            {"shelves": [None, {"name": "x"}, None]},
        ),
        ("{ works { ... on Book { pages } } }", {"works": [{"__typename": "Book", "pages": None}]}, {"works": None}),
        ("{ shelf { colour } }", {"shelf": {"colour": "BLUE"}}, {"shelf": {"colour": None}}),
        ("{ shelf { colours } }", {"shelf": {"colours": ["RED", "BLUE"]}}, {"shelf": {"colours": None}}),
    ],
)
async def test_null_goes_up_to_where_the_types_allow_it(bench, query, data, expected):
    assert await bench.answer(SDL, query, data) == expected


async def test_each_type_has_its_fields(bench):
    answer = await bench.answer(
        SDL,
        "{ nodes { id t: __typename ... on Film { minutes } ... on Book { title pages } __typename } }",
        {
            "nodes": [
                {"__typename": "Book", "id": "1", "title": "t", "pages": 9},
                {"__typename": "Film", "id": "2", "minutes": 3},
                {"__typename": "Secret", "id": "3"},
            ]
        },
    )
    assert answer["nodes"] == [
        {"id": "1", "t": "Book", "title": "t", "pages": 9, "__typename": "Book"},
        {"id": "2", "t": "Film", "minutes": 3, "__typename": "Film"},
        None,
    ]
    assert list(answer["nodes"][0]) == ["id", "t", "title", "pages", "__typename"]


async def test_a_type_that_makes_no_difference_may_be_missing(bench):
    assert await bench.answer(SDL, "{ any { id } }", {"any": {"id": "1"}}) == {"any": {"id": "1"}}
    assert await bench.answer(SDL, "{ any { id } }", {"any": {"id": "1", "__typename": "Secret"}}) == {"any": None}


async def test_typename_at_the_root_is_the_routers(bench):
    assert await bench.answer(SDL, "{ __typename r: __typename }", {}) == {"__typename": "Query", "r": "Query"}


async def test_conditions_choose_the_fields(bench):
    query = "query($a: Boolean!) { shelf { name @include(if: $a) colour @skip(if: $a) ... @include(if: $a) { grid } } }"
    data = {"shelf": {"name": "n", "colour": "RED", "grid": []}}
    assert await bench.answer(SDL, query, data, a=True) == {"shelf": {"name": "n", "grid": []}}
    assert await bench.answer(SDL, query, data, a=False) == {"shelf": {"colour": "RED"}}


@pytest.mark.parametrize("wrong", ["text", 1, [], [1], {"books": 3, "name": "n"}, {"books": "ab", "name": "n"}])
async def test_values_of_the_wrong_kind_become_null_with_an_error(bench, plans, wrong):
    program = bench.compile(SDL, "{ shelf { name books { title } } }", plans.root("a", "{ shelf { name } }"))
    response = await bench.run(program, {"a": {"data": {"shelf": wrong}}})
    assert response.data == {"shelf": None}
    assert {each["extensions"]["code"] for each in response.errors} == {"RESPONSE_VALIDATION_FAILED"}


async def test_fifty_levels_of_lists_are_no_matter(bench):
    sdl = "type Query { a: [A] } type A { a: [A] n: Int }"
    query, data = "n", {"n": 1}
    for _ in range(50):
        query, data = f"a {{ {query} }}", {"a": [data]}
    assert await bench.answer(sdl, f"{{ {query} }}", data) == data
