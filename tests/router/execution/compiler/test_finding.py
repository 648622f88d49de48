"""Stubs of one entity become one object, and nothing else does."""

from __future__ import annotations

SDL = """
type User { id: ID! name: String best: User friends: [User] pet: Pet }
type Pet { name: String }
type Query { users: [User] }
"""


def friends(bench, plans, selection, query):
    return bench.compile(
        SDL,
        query,
        plans.root("a", f"{{ users {{ id friends {{ {selection} }} best {{ {selection} }} }} }}"),
        plans.entities(
            1,
            "b",
            "... on User { name }",
            plans.call("users.@.friends.@", plans.keyed("User", "id")),
            plans.call("users.@.best", plans.keyed("User", "id")),
        ),
        plans.entities(
            2,
            "c",
            "... on User { pet { name } }",
            plans.call("users.@.friends.@", plans.keyed("User", "id", "name")),
            after=(1,),
        ),
    )


async def test_stubs_are_merged_once_and_found_everywhere(bench, plans):
    query = "{ users { id friends { name pet { name } } best { name } } }"
    program = friends(bench, plans, "id", query)
    assert "firsts" in program.quick.source
    one, two = {"id": "1"}, {"id": "2"}
    users = [
        {"id": "1", "friends": [dict(two), None, dict(one), dict(two)], "best": dict(two)},
        {"id": "2", "friends": None, "best": None},
        {"id": "3", "friends": [dict(one)], "best": dict(two)},
    ]
    response = await bench.run(
        program,
        {
            "a": {"data": {"users": users}},
            "b": {"data": {"_entities": [{"name": "two"}, {"name": "one"}]}},
            "c": {"data": {"_entities": [{"pet": {"name": "x"}}, {"pet": None}]}},
        },
    )
    first, second = {"name": "one", "pet": None}, {"name": "two", "pet": {"name": "x"}}
    assert response.data == {
        "users": [
            {"id": "1", "friends": [second, None, first, second], "best": {"name": "two"}},
            {"id": "2", "friends": None, "best": None},
            {"id": "3", "friends": [first], "best": {"name": "two"}},
        ]
    }
    assert len(bench.sent[2].variables["r_entities"]) == 2
    assert b'""' not in response.body


async def test_objects_that_hold_more_stay_apart(bench, plans):
    """Two objects with one key differ in what their own subgraph says of them."""
    program = friends(bench, plans, "id score", "{ users { friends { name pet { name } } } }")
    assert "firsts" not in program.quick.source


async def test_a_way_that_two_fetches_write_is_not_remembered(bench, plans):
    program = bench.compile(
        SDL,
        "{ users { name best { name } } }",
        plans.root("a", "{ users { best { id } } }"),
        plans.root("b", "{ users { best { key: id } } }", number=1),
        plans.entities(2, "c", "... on User { name }", plans.call("users.@.best", plans.keyed("User", "id"))),
        plans.entities(
            3, "d", "... on User { pet { name } }", plans.call("users.@.best", plans.keyed("User", "key")), after=(1,)
        ),
    )
    assert "known.get" not in program.quick.source
    response = await bench.run(
        program,
        {
            "a": {"data": {"users": [{"best": {"id": "1"}}]}},
            "b": {"data": {"users": [{"best": {"key": "1"}}]}},
            "c": {"data": {"_entities": [{"name": "n"}]}},
            "d": {"data": {"_entities": [{"pet": None}]}},
        },
    )
    assert response.data == {"users": [{"name": None, "best": {"name": "n"}}]}
