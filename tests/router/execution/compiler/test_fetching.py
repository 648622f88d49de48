"""Representations are collected once each, and results find their way to all who wait for them."""

from __future__ import annotations

import pytest

from router.planner.plan import Rename, Representation, RepresentationField, RepresentationFragment

SDL = """
interface Media { id: ID! title: String }
type Book implements Media { id: ID! title: String author: User }
type Film implements Media { id: ID! title: String }
type User { id: ID! name: String! age: Int friends: [User] best: User pets: [Pet] home: Home }
type Home { city: String street: String }
type Pet { name: String }
type Query { users: [User] me: User media: [Media] book: Book }
"""
USERS = "{ users { __typename id } }"


def representations(bench, index=-1):
    (sent,) = bench.sent[index].variables.values()
    return sent


async def test_equal_objects_are_asked_for_once(bench, plans):
    program = bench.compile(
        SDL,
        "{ users { name } }",
        plans.root("a", USERS),
        plans.entities(1, "b", "... on User { name }", plans.call("users.@", plans.keyed("User", "id"))),
    )
    users = [{"__typename": "User", "id": key} for key in "1212"]
    response = await bench.run(
        program,
        {"a": {"data": {"users": [*users, None]}}, "b": {"data": {"_entities": [{"name": "one"}, {"name": "two"}]}}},
    )
    assert representations(bench) == [{"__typename": "User", "id": "1"}, {"__typename": "User", "id": "2"}]
    assert response.data == {"users": [{"name": "one"}, {"name": "two"}, {"name": "one"}, {"name": "two"}, None]}
    assert not response.errors


async def test_one_list_serves_several_paths(bench, plans):
    program = bench.compile(
        SDL,
        "{ users { id name best { name } } }",
        plans.root("a", "{ users { id best { id } } }"),
        plans.entities(
            1,
            "b",
            "... on User { name }",
            plans.call("users.@", plans.keyed("User", "id")),
            plans.call("users.@.best", plans.keyed("User", "id")),
        ),
    )
    users = [{"id": "1", "best": {"id": "2"}}, {"id": "2", "best": {"id": "2"}}, {"id": "3", "best": None}]
    names = {"data": {"_entities": [{"name": each} for each in ("one", "two", "three")]}}
    response = await bench.run(program, {"a": {"data": {"users": users}}, "b": names})
    assert [each["id"] for each in representations(bench)] == ["1", "2", "3"]
    assert response.data == {
        "users": [
            {"id": "1", "name": "one", "best": {"name": "two"}},
            {"id": "2", "name": "two", "best": {"name": "two"}},
            {"id": "3", "name": "three", "best": None},
        ]
    }


async def test_what_two_paths_share_does_not_leak_from_one_to_the_other(bench, plans):
    """The same home reaches two places; only one of them gets a street, under a key that means a city elsewhere."""
    program = bench.compile(
        SDL,
        "{ users { home { city } best { home { city: street } } } }",
        plans.root("a", "{ users { id best { id } } }"),
        plans.entities(
            1,
            "b",
            "... on User { home { hid } }",
            plans.call("users.@", plans.keyed("User", "id")),
            plans.call("users.@.best", plans.keyed("User", "id")),
        ),
        plans.entities(
            2, "c", "... on Home { city }", plans.call("users.@.home", plans.keyed("Home", "hid")), after=(1,)
        ),
        plans.entities(
            3,
            "d",
            "... on Home { city: street }",
            plans.call("users.@.best.home", plans.keyed("Home", "hid")),
            after=(1,),
        ),
    )
    response = await bench.run(
        program,
        {
            "a": {"data": {"users": [{"id": "1", "best": {"id": "1"}}]}},
            "b": {"data": {"_entities": [{"home": {"hid": "h"}}]}},
            "c": {"data": {"_entities": [{"city": "Rome"}]}},
            "d": {"data": {"_entities": [{"city": "Via"}]}},
        },
    )
    assert response.data == {"users": [{"home": {"city": "Rome"}, "best": {"home": {"city": "Via"}}}]}


async def test_types_choose_path_and_representation(bench, plans):
    book = Representation(frozenset({"Book"}), "Media", (RepresentationField("id", "id"),))
    film = Representation(frozenset({"Film"}), None, (RepresentationField("id", "_id"),))
    program = bench.compile(
        SDL,
        "{ media { title } }",
        plans.root("a", "{ media { __typename id _id: id } }"),
        plans.entities(1, "b", "... on Media { title }", plans.call("media.@.|[Book,Film]", book, film)),
    )
    media = [{"__typename": kind, "id": "1", "_id": "9"} for kind in ("Book", "Film", "Song", "Book")]
    answer = {"data": {"_entities": [{"title": "book"}, {"title": "film"}]}}
    response = await bench.run(program, {"a": {"data": {"media": media}}, "b": answer})
    assert representations(bench) == [{"__typename": "Media", "id": "1"}, {"__typename": "Film", "id": "9"}]
    assert response.data == {"media": [{"title": "book"}, {"title": "film"}, None, {"title": "book"}]}


async def test_nested_fields_and_fragments_of_a_representation(bench, plans):
    pets = RepresentationField("pets", "_pets", (RepresentationField("name", "name"),))
    best = RepresentationField(
        "best",
        "best",
        (
            RepresentationField("id", "id"),
            RepresentationFragment(frozenset({"User"}), (RepresentationField("age", "age"),)),
        ),
    )
    program = bench.compile(
        SDL,
        "{ me { name } }",
        plans.root("a", "{ me { id _pets: pets { name } best { __typename id age } } }"),
        plans.entities(1, "b", "... on User { name }", plans.call("me", Representation(None, "User", (pets, best)))),
    )
    me = {"_pets": [{"name": "x", "more": 1}, None], "best": {"__typename": "User", "id": "2", "age": None}}
    await bench.run(program, {"a": {"data": {"me": me}}, "b": {"data": {"_entities": [{"name": "n"}]}}})
    assert representations(bench) == [
        {"__typename": "User", "pets": [{"name": "x"}, None], "best": {"id": "2", "age": None}}
    ]


async def test_objects_without_their_key_are_left_out_quietly(bench, plans):
    program = bench.compile(
        SDL,
        "{ users { id age } }",
        plans.root("a", USERS),
        plans.entities(1, "b", "... on User { age }", plans.call("users.@", plans.keyed("User", "id", "name"))),
    )
    users = [{"id": "1"}, {"id": "2", "name": None}]
    response = await bench.run(program, {"a": {"data": {"users": users}}, "b": {"data": {"_entities": [{"age": 7}]}}})
    assert representations(bench) == [{"__typename": "User", "id": "2", "name": None}]
    assert response.data == {"users": [{"id": "1", "age": None}, {"id": "2", "age": 7}]}
    assert not response.errors


async def test_nothing_is_sent_when_there_is_nobody_to_ask_about(bench, plans):
    program = bench.compile(
        SDL,
        "{ users { name } }",
        plans.root("a", USERS),
        plans.entities(1, "b", "... on User { name }", plans.call("users.@", plans.keyed("User", "id"))),
    )
    response = await bench.run(program, {"a": {"data": {"users": []}}, "b": None})
    assert response.data == {"users": []}
    assert len(bench.sent) == 1


async def test_renames_happen_before_merging(bench, plans):
    renames = (Rename(plans.path("friends.@"), "_name", "name"), Rename((), "_age", "age"))
    program = bench.compile(
        SDL,
        "{ me { age friends { name } } }",
        plans.root("a", "{ me { id } }"),
        plans.entities(
            1,
            "b",
            "... on User { _age: age friends { _name: name } }",
            plans.call("me", plans.keyed("User", "id"), renames=renames),
        ),
    )
    entity = {"_age": 3, "friends": [{"_name": "x"}, None]}
    response = await bench.run(program, {"a": {"data": {"me": {"id": "1"}}}, "b": {"data": {"_entities": [entity]}}})
    assert response.data == {"me": {"age": 3, "friends": [{"name": "x"}, None]}}


@pytest.mark.parametrize("first", ["a", "b"])
async def test_results_that_meet_are_merged_deeply(bench, plans, first):
    program = bench.compile(
        SDL,
        "{ me { name friends { name age } home { city street } } }",
        plans.root("a", "{ me { name friends { name } home { city } } }"),
        plans.root("b", "{ me { friends { age } home { street } } }", number=1),
    )
    answers = {
        "a": {"data": {"me": {"name": "n", "friends": [{"name": "x"}, {"name": "y"}], "home": None}}},
        "b": {"data": {"me": {"friends": [{"age": 1}, {"age": 2}], "home": {"street": "s"}}}},
    }
    response = await bench.run(program, {key: answers[key] for key in sorted(answers, reverse=first == "b")})
    assert response.data == {
        "me": {
            "name": "n",
            "friends": [{"name": "x", "age": 1}, {"name": "y", "age": 2}],
            "home": {"city": None, "street": "s"},
        }
    }


async def test_a_root_type_reached_from_inside(bench, plans):
    sdl = "type Query { a: Inner n: Int } type Inner { query: Query }"
    program = bench.compile(
        sdl,
        "{ a { query { n } } }",
        plans.root("a", "{ a { query { __typename } } }"),
        plans.root("b", "{ n }", number=1, depends_on=frozenset({0}), path=plans.path("a.query")),
    )
    inner = {"data": {"a": {"query": {"__typename": "Query"}}}}
    assert (await bench.run(program, {"a": inner, "b": {"data": {"n": 5}}})).data == {"a": {"query": {"n": 5}}}


async def test_names_of_the_client_cannot_become_code(bench, plans):
    """Whatever stands in a key, it is only ever a string of the source."""
    program = bench.compile(
        "type Query { a: Int }", "{ class: a __import__: a }", plans.root("a", "{ class: a __import__: a }")
    )
    response = await bench.run(program, {"a": {"data": {"class": 1, "__import__": 2}}})
    assert response.data == {"class": 1, "__import__": 2}
