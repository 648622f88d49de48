"""Cost grows with the answer, and not faster."""

from __future__ import annotations

import time

import pytest

SDL = "type User { id: ID! name: String! friends: [User!] } type Query { users: [User] }"


async def cost(bench, plans, program, count):
    """Return the CPU seconds that one entity of many costs, at best."""
    users = {"data": {"users": [{"id": str(each)} for each in range(count)]}}
    names = {"data": {"_entities": [{"name": f"n{each}", "friends": [{"name": "x"}]} for each in range(count)]}}
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        response = await bench.run(program, {"a": users, "b": names})
        assert len(response.body) > count * 10
        best = min(best, time.process_time() - begun)
        assert len(response.data["users"]) == count
    return best / count


@pytest.mark.parametrize("factor", [10, 100])
async def test_many_entities_cost_no_more_each(bench, plans, factor):
    program = bench.compile(
        SDL,
        "{ users { name friends { name } } }",
        plans.root("a", "{ users { id } }"),
        plans.entities(
            1, "b", "... on User { name friends { name } }", plans.call("users.@", plans.keyed("User", "id"))
        ),
    )
    few, many = await cost(bench, plans, program, 1_000), await cost(bench, plans, program, 1_000 * factor)
    assert many < few * 10  # if cost grew with the square, it would be a hundredfold
    bench.sent.clear()


async def test_an_error_for_each_of_many_entities(bench, plans):
    program = bench.compile(
        SDL,
        "{ users { name } }",
        plans.root("a", "{ users { id } }"),
        plans.entities(1, "b", "... on User { name }", plans.call("users.@", plans.keyed("User", "id"))),
    )
    count = 20_000
    users = {"data": {"users": [{"id": str(each)} for each in range(count)]}}
    errors = [{"message": "no", "path": ["_entities", each, "name"]} for each in range(count)]
    answers = {"a": users, "b": {"data": {"_entities": [None] * count}, "errors": errors}}
    response = await bench.run(program, answers)
    assert response.data == {"users": [None] * count}
    assert len(response.errors) == 100
