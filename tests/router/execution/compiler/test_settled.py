"""Objects that already are what the client gets go into the answer themselves; a subgraph's odd ones do not."""

from __future__ import annotations

import orjson
import pytest

SDL = """
type Author { id: ID! name: String }
type Review { id: ID! body: String author: Author }
type Book { title: String reviews: [Review] best: [Review!] }
type Query { books: [Book] }
"""


def program(bench, plans, query, *, asked="id body author { id }"):
    return bench.compile(
        SDL,
        query,
        plans.root("a", f"{{ books {{ title reviews {{ {asked} }} }} }}"),
        plans.entities(
            1, "b", "... on Author { name }", plans.call("books.@.reviews.@.author", plans.keyed("Author", "id"))
        ),
    )


QUERY = "{ books { title reviews { id body author { name id } } } }"


def review(number, author="1", **more):
    return {"id": number, "body": "b", "author": author and {"id": author}} | more


async def answer(bench, made, reviews, names=("ada",)):
    answers = {
        "a": {"data": {"books": [{"title": "t", "reviews": reviews}]}},
        "b": {"data": {"_entities": [{"name": each} for each in names]}},
    }
    return await bench.run(made, answers)


async def test_authors_are_made_once_and_reviews_not_at_all(bench, plans):
    made = program(bench, plans, QUERY)
    assert "finish" in made.quick.source
    response = await answer(bench, made, [review("1"), None, review("2", None), review("3")])
    author = {"name": "ada", "id": "1"}
    assert orjson.dumps(response.data["books"][0]["reviews"]) == orjson.dumps(
        [
            {"id": "1", "body": "b", "author": author},
            None,
            {"id": "2", "body": "b", "author": None},
            {"id": "3", "body": "b", "author": author},
        ]
    )
    assert not response.errors


async def test_what_was_not_asked_is_left_out(bench, plans):
    made = program(bench, plans, QUERY)
    response = await answer(bench, made, [review("1"), review("2", secret=1)])
    assert [list(each) for each in response.data["books"][0]["reviews"]] == [["id", "body", "author"]] * 2


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({"id": None, "body": "b", "author": None}, None),
        ({"body": "b", "author": None, "other": 1}, None),
        ({"id": "2", "author": None, "other": 1}, {"id": "2", "body": None, "author": None}),
        ("text", None),
    ],
)
async def test_odd_objects_are_looked_at_closely(bench, plans, odd, expected):
    made = program(bench, plans, QUERY)
    response = await answer(bench, made, [review("1"), odd])
    author = {"name": "ada", "id": "1"}
    assert response.data["books"][0]["reviews"] == [{"id": "1", "body": "b", "author": author}, expected]


async def test_a_failing_fetch_leaves_the_rest(bench, plans):
    made = program(bench, plans, QUERY)
    response = await answer(bench, made, [review("1"), review("2")], names=())
    author = {"name": None, "id": "1"}
    assert [each["author"] for each in response.data["books"][0]["reviews"]] == [author, author]
    assert len(response.errors) == 1


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("{ books { reviews { body id author { name } } } }", "id body author { id }"),
        ("{ books { reviews { id body __typename author { name } } } }", "id body author { id }"),
        ("{ books { reviews { id author { name } } } }", "id body author { id }"),
        ("{ books { reviews { id body author { name } } } }", "id body author { id } ... on Review { id }"),
    ],
)
async def test_where_the_keys_differ_objects_are_made(bench, plans, query, asked):
    made = program(bench, plans, query, asked=asked)
    assert "return values" not in made.quick.source
    wanted = query.split("reviews {")[1].split("author")[0].split()
    response = await answer(bench, made, [review("1")])
    assert list(response.data["books"][0]["reviews"][0]) == [*wanted, "author"]


async def test_places_that_the_client_asks_differently_are_kept_apart(bench, plans):
    made = bench.compile(
        SDL,
        "{ books { reviews { author { id name } } best { author { name } } } }",
        plans.root("a", "{ books { reviews { author { id } } best { author { id } } } }"),
        plans.entities(
            1,
            "b",
            "... on Author { name }",
            plans.call("books.@.reviews.@.author", plans.keyed("Author", "id")),
            plans.call("books.@.best.@.author", plans.keyed("Author", "id")),
        ),
    )
    book = {"reviews": [{"author": {"id": "1"}}] * 2, "best": [{"author": {"id": "1"}}]}
    answers = {"a": {"data": {"books": [book]}}, "b": {"data": {"_entities": [{"name": "ada"}]}}}
    response = await bench.run(made, answers)
    author = {"id": "1", "name": "ada"}
    assert response.data == {"books": [{"reviews": [{"author": author}] * 2, "best": [{"author": {"name": "ada"}}]}]}
