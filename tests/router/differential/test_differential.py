"""Random operations answered alike by one monolith and by the subgraphs through the planner."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.router.differential.world import SCHEMAS, World, random_world, world

OWN = sorted(path.name for path in SCHEMAS.iterdir())
SHARED = Path(__file__).parents[4] / "shared" / "federation-cases" / "cases"
# Interfaces that nobody implements, so that no object can be made up for them.
WITHOUT_OBJECTS = {"non-resolvable-interface-object"}
CASES = sorted(
    path.parent.name for path in SHARED.glob("*/supergraph.graphql") if path.parent.name not in WITHOUT_OBJECTS
)
COUNT = int(os.environ.get("DIFFERENTIAL_COUNT", "40"))
FIRST = int(os.environ.get("DIFFERENTIAL_SEED", "0"))


def differences(tried: World, interpret, count: int) -> list[str]:
    found = (tried.difference(seed, interpret) for seed in range(FIRST, FIRST + count))
    return [text for text in found if text is not None]


@pytest.mark.parametrize("name", OWN)
def test_own_schemas(name, interpret):
    """The router answers as the monolith does; DIFFERENTIAL_SEED and DIFFERENTIAL_COUNT choose the operations."""
    assert differences(world(name), interpret, COUNT) == []


@pytest.mark.parametrize(
    ("name", "query"),
    [
        (
            "interface_objects",
            "{ named { ... on User { f: friends(first: 1) { id } } ... on Bot { f: friends { id } } } }",
        ),
        (
            "interface_objects",
            """{ named {
                ... on User { friends { f: friends(first: 1) { id } } }
                ... on Bot { friends { f: friends(first: 2) { id } } }
            } }""",
        ),
    ],
)
def test_keys_that_mean_other_things_for_other_types(name, query, interpret):
    """An interface object cannot tell its types apart, so each is asked by itself."""
    tried = world(name)

    received = interpret(tried.supergraph, tried.planner, tried.send, query)

    assert received == tried.monolith.execute(query, {})


@pytest.mark.parametrize("name", OWN)
async def test_own_schemas_compiled(name):
    """The compiled engine answers as the monolith does, to the order of keys."""
    found = [await world(name).engine_difference(seed) for seed in range(FIRST, FIRST + COUNT)]

    assert [text for text in found if text is not None] == []


@pytest.mark.parametrize("name", OWN)
async def test_own_schemas_deferred(name):
    """An answer that comes in parts is the same when they are put together."""
    found = [await world(name).deferred_difference(seed) for seed in range(FIRST, FIRST + max(COUNT // 3, 5))]

    assert [text for text in found if text is not None] == []


@pytest.mark.parametrize("name", OWN)
async def test_own_schemas_streamed(name):
    """An answer whose lists come bit by bit is the same when they are put together."""
    found = [await world(name).streamed_difference(seed) for seed in range(FIRST, FIRST + max(COUNT // 3, 5))]

    assert [text for text in found if text is not None] == []


async def test_random_federations(interpret):
    """Whatever schemas compose, the router answers on them as the monolith does."""
    found = []
    for seed in range(FIRST, FIRST + COUNT):
        tried = random_world(seed)
        for number in range(3) if tried else ():
            found += [tried.difference(number, interpret), await tried.engine_difference(number)]

    assert len(found) > COUNT
    assert [text for text in found if text is not None] == []


@pytest.mark.shared
@pytest.mark.parametrize("name", CASES)
def test_shared_schemas(name, interpret):
    """The same over the schemas of the shared suites."""
    schemas = {path.stem: path.read_text() for path in sorted((SHARED / name / "subgraphs").glob("*.graphql"))}
    tried = World(schemas, (SHARED / name / "supergraph.graphql").read_text())

    assert differences(tried, interpret, max(COUNT // 4, 5)) == []
