"""Equal bytes lead to equal results without doing the work again; anything else is worked out."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from router.execution import ANONYMOUS, SubgraphTimeoutError
from router.execution.assembly import Assembly
from router.execution.recall import Recall, RecallingAssembly
from router.execution.run import Run
from router.execution.transports import SubgraphResponse

SDL = "type User { id: ID! name: String age: Int! } type Query { users: [User] other: [User] }"


@pytest.fixture
def program(bench, plans):
    return bench.compile(
        SDL,
        "{ users { name } other { name } }",
        plans.root("a", "{ users { id } }"),
        plans.root("o", "{ other { id } }", number=1),
        plans.entities(2, "b", "... on User { name }", plans.call("users.@", plans.keyed("User", "id"))),
        plans.entities(3, "c", "... on User { name }", plans.call("other.@", plans.keyed("User", "id")), after=(1,)),
    )


class Subgraphs:
    """Answers in bytes; entities get a name made of their id, after what is set for the subgraph."""

    def __init__(self):
        self.ids = {"a": ["1", "2"], "o": ["3"]}
        self.prefix = "n"
        self.fault = None
        self.sent = []

    async def send(self, request):
        name = request.operation.subgraph
        self.sent.append(name)
        await asyncio.sleep(0)
        if self.fault == name:
            raise SubgraphTimeoutError("slow")
        if name in self.ids:
            key = {"a": "users", "o": "other"}[name]
            return SubgraphResponse(body=orjson.dumps({"data": {key: [{"id": each} for each in self.ids[name]]}}))
        (representations,) = request.variables.values()
        names = [{"name": self.prefix + each["id"]} for each in representations]
        return SubgraphResponse(body=orjson.dumps({"data": {"_entities": names}}))


class CountingAssembly(Assembly):
    """Counts the results that were really taken in."""

    taken = 0

    def take(self, fetch, response):
        CountingAssembly.taken += 1
        super().take(fetch, response)


@pytest.fixture
def subgraphs():
    return Subgraphs()


@pytest.fixture
def ask(program, subgraphs):
    recall = Recall(100_000)

    async def run():
        CountingAssembly.taken = 0
        assembly = RecallingAssembly(program, recall, CountingAssembly(program, 100))
        transports = dict.fromkeys("aobc", subgraphs)
        return await Run(program, assembly, {}, ANONYMOUS, transports, 5).start()

    return run


def names(*ids, prefix="n"):
    return [{"name": prefix + each} for each in ids]


async def test_the_same_bytes_are_not_even_decoded(ask, subgraphs):
    first = await ask()
    assert CountingAssembly.taken == 4
    second = await ask()
    assert CountingAssembly.taken == 0
    assert second.data == first.data == {"users": names("1", "2"), "other": names("3")}
    assert sorted(subgraphs.sent) == sorted("aobc" * 2)


async def test_a_change_is_seen_wherever_it_happens(ask, subgraphs):
    await ask()
    subgraphs.ids["o"] = ["4"]
    assert (await ask()).data == {"users": names("1", "2"), "other": names("4")}
    subgraphs.prefix = "m"
    assert (await ask()).data == {"users": names("1", "2", prefix="m"), "other": names("4", prefix="m")}
    subgraphs.ids["a"] = []
    for _ in range(2):
        subgraphs.sent.clear()
        assert (await ask()).data == {"users": [], "other": names("4", prefix="m")}
        assert sorted(subgraphs.sent) == ["a", "c", "o"]
    assert CountingAssembly.taken == 0


@pytest.mark.parametrize("fault", ["a", "o", "b", "c"])
async def test_faults_are_neither_recalled_nor_kept(ask, subgraphs, fault):
    good = await ask()
    subgraphs.fault = fault
    for _ in range(2):
        response = await ask()
        assert len(response.errors) == 1
        assert response.data != good.data
    subgraphs.fault = None
    response = await ask()
    assert (response.data, response.errors) == (good.data, ())


def test_what_is_kept_is_bounded():
    recall = Recall(100)
    recall.put("a", (b"x" * 40,), "A", 10)
    recall.put("b", (b"y" * 30,), "B", 10)
    assert recall.get("a", (b"x" * 40,)) == "A"
    assert recall.get("a", (b"z" * 40,)) is None
    recall.put("c", (b"w" * 50,), "C", 10)
    assert recall.get("a", (b"x" * 40,)) is None
    assert recall.get("b", (b"y" * 30,)) == "B"
    assert recall.get("c", (b"w" * 50,)) == "C"
    recall.put("d", (b"v" * 200,), "D", 0)
    assert recall.get("d", (b"v" * 200,)) is None
