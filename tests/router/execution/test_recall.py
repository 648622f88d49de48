"""Equal bytes lead to equal results without doing the work again; anything else is worked out."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

import orjson
import pytest

from router.execution import ANONYMOUS, SubgraphTimeoutError
from router.execution.assembly import Assembly
from router.execution.recall import ENTRY_WEIGHT, Recall, RecallingAssembly
from router.execution.run import Run
from router.execution.transports import SubgraphResponse
from router.execution.transports.port import sender

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


def exact(value):
    """Write JSON as it comes over a wire, without the room that orjson leaves behind it."""
    return bytes(memoryview(orjson.dumps(value)))


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
            return SubgraphResponse(body=exact({"data": {key: [{"id": each} for each in self.ids[name]]}}))
        (representations,) = request.variables.values()
        names = [{"name": self.prefix + each["id"]} for each in representations]
        return SubgraphResponse(body=exact({"data": {"_entities": names}}))


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
        senders = dict.fromkeys("aobc", sender(subgraphs))
        return await Run(program, assembly, {}, ANONYMOUS, senders, 5).start()

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
    recall = Recall(2 * ENTRY_WEIGHT + 100)
    first, second, third, fourth = ((number, 0) for number in range(4))
    recall.put(first, (b"x" * 40,), "A", 10)
    recall.put(second, (b"y" * 30,), "B", 10)
    assert recall.get(first, (b"x" * 40,)) == "A"
    assert recall.get(first, (b"z" * 40,)) is None
    recall.put(third, (b"w" * 50,), "C", 10)
    assert recall.get(first, (b"x" * 40,)) is None
    assert recall.get(second, (b"y" * 30,)) == "B"
    assert recall.get(third, (b"w" * 50,)) == "C"
    recall.put(fourth, (b"v" * 2000,), "D", 0)
    assert recall.get(fourth, (b"v" * 2000,)) is None
    assert recall.size <= 2 * ENTRY_WEIGHT + 100


@pytest.mark.parametrize("users", [1, 30])
async def test_the_size_is_what_memory_is_taken(program, subgraphs, users):
    """Small entries weigh as much more than their bytes as they do in memory; programs are not kept alive."""
    recall = Recall(100_000_000)
    subgraphs.ids["a"] = [str(number) for number in range(10_000, 10_000 + users)]

    async def fill(count):
        for number in range(count):
            subgraphs.prefix = "n" * (1 + number)
            assembly = RecallingAssembly(program, recall, Assembly(program, 100))
            await Run(program, assembly, {}, ANONYMOUS, dict.fromkeys("aobc", sender(subgraphs)), 5).start()

    await fill(1)
    subgraphs.sent.clear()
    gc.collect()
    tracemalloc.start()
    try:
        before, counted = tracemalloc.get_traced_memory()[0], recall.size
        await fill(100)
        subgraphs.sent.clear()
        gc.collect()
        taken, counted = tracemalloc.get_traced_memory()[0] - before, recall.size - counted
    finally:
        tracemalloc.stop()

    assert 0.6 * taken < counted < 2 * taken
