"""How the router's cost grows: with the size of an answer, the number of entities, and the number of subgraphs.

    python -m benchmarks router_scaling [--json] [--seconds 0.5]

Subgraphs answer from memory in this process, in bytes, so that what is measured is all that the engine does in steady
state: reading, merging, projecting and writing. Figures are CPU time of this process, the best of several runs. The
exponent of a growth says what doubling does: 1 is linear.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from graphql import parse

from router.composition import Composed, Subgraph, compose
from router.execution import Engine, EngineSettings, GraphQLRequest
from router.execution.transports import SubgraphRequest, SubgraphResponse
from router.planner import Planner
from router.supergraph import load_supergraph

BYTES = (1_000, 10_000, 100_000, 1_000_000, 5_000_000)
ENTITIES = (10, 100, 1_000, 10_000, 100_000)
SUBGRAPHS = (2, 10, 50, 100)
LEAST_TIMES = 3

SHOP = {
    "items": """type Query { items: [Item!]! }
        type Item @key(fields: "id") { id: ID! name: String price: Float tags: [String!] maker: Maker }
        type Maker { name: String country: String }""",
    "scores": 'type Item @key(fields: "id") { id: ID! score: Int! label: String }',
}
LARGE = "{ items { id name price tags maker { name country } } }"
JOINED = "{ items { id name score label } }"


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement: for a size, what it costs."""

    size: int
    ms: float


@dataclass(frozen=True, slots=True)
class Growth:
    """A series of measurements."""

    name: str
    unit: str
    points: tuple[Point, ...]

    def exponent(self, first: int) -> float:
        """Return how cost grows from the point of index `first` to the last: 1 is linear."""
        low, high = self.points[first], self.points[-1]
        return math.log(high.ms / low.ms) / math.log(high.size / low.size)


class Canned:
    """A subgraph whose answer is known beforehand."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def send(self, _request: SubgraphRequest) -> SubgraphResponse:
        """Answer."""
        return SubgraphResponse(body=self._body)


def shop() -> str:
    """Compose the supergraph of two subgraphs."""
    return composed(SHOP)


def composed(schemas: Mapping[str, str]) -> str:
    """Compose a supergraph."""
    result = compose([Subgraph(name, sdl, f"http://{name}") for name, sdl in schemas.items()])
    if not isinstance(result, Composed):
        raise SystemExit(f"the benchmark's schemas do not compose: {result}")
    return result.supergraph_sdl


def item(number: int) -> dict[str, object]:
    """Make an item of some 150 bytes."""
    maker = {"name": f"Maker {number % 97}", "country": "Iceland"}
    return {
        "id": f"{number:08}",
        "name": f"Item number {number}",
        "price": number / 4,
        "tags": ["a", "b"],
        "maker": maker,
    }


def by_bytes(seconds: float) -> Growth:
    """Measure one fetch whose answer grows."""
    each = len(orjson.dumps(item(0))) + 1
    points = []
    for size in BYTES:
        body = orjson.dumps({"data": {"items": [item(number) for number in range(size // each)]}})
        points.append(Point(len(body), request_cost({"items": Canned(body)}, LARGE, seconds)))
    return Growth("answer", "bytes", tuple(points))


def by_entities(seconds: float) -> Growth:
    """Measure two fetches, the second for a number of distinct entities."""
    points = []
    for count in ENTITIES:
        items = orjson.dumps({"data": {"items": [{"id": f"{n:08}", "name": f"Item number {n}"} for n in range(count)]}})
        scores = orjson.dumps({"data": {"_entities": [{"score": n, "label": "good"} for n in range(count)]}})
        points.append(Point(count, request_cost({"items": Canned(items), "scores": Canned(scores)}, JOINED, seconds)))
    return Growth("entities", "entities", tuple(points))


def request_cost(transports: Mapping[str, Canned], query: str, seconds: float) -> float:
    """Return the CPU milliseconds of one request, once its plan is known."""
    engine = Engine(load_supergraph(shop()), transports, EngineSettings(share_requests=False))
    request = GraphQLRequest(query)

    async def ask() -> None:
        response = await engine.execute(request)
        if response.errors or not response.body:
            raise SystemExit(f"wrong answer: {response.errors[:1]}")

    async def measure() -> float:
        await ask()
        return await best_of(ask, seconds)

    return asyncio.run(measure())


async def best_of(ask: Callable[[], object], seconds: float) -> float:
    """Return the least CPU milliseconds of several calls, garbage collected between them and not during them."""
    least, end, times = math.inf, time.monotonic() + seconds, 0
    while times < LEAST_TIMES or time.monotonic() < end:
        gc.collect()
        gc.disable()
        begin = time.process_time()
        await ask()  # type: ignore[misc]
        least, times = min(least, time.process_time() - begin), times + 1
        gc.enable()
    return least * 1000


def by_subgraphs() -> Growth:
    """Measure cold plans of a query that needs every subgraph, the planner new to the schema."""
    points = []
    for count in SUBGRAPHS:
        supergraph = load_supergraph(composed(chain(count)))
        query = parse("{ start { id " + " ".join(f"field{number} other{number}" for number in range(count)) + " } }")
        points.append(Point(count, plan_cost(lambda s=supergraph, q=query: Planner(s).plan(q))))
    return Growth("subgraphs", "subgraphs", tuple(points))


def chain(count: int) -> dict[str, str]:
    """Write subgraphs that extend one entity; each knows it by a key of its own besides, and every third requires."""
    schemas = {}
    for number in range(count):
        needs = f'@requires(fields: "field{number - 1}")' if number % 3 == 2 else ""
        outer = f"field{number - 1}: Int @external" if needs else ""
        root = "type Query { start: Thing things: [Thing!]! }" if number == 0 else ""
        own = f'@key(fields: "id") @key(fields: "code{number}")'
        fields = f"id: ID! code{number}: ID! {outer} field{number}: Int other{number}: Int {needs}"
        schemas[f"s{number:03}"] = f"{FEDERATION} {root} type Thing {own} {{ {fields} }}"
    return schemas


FEDERATION = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@requires", "@external"])'
)


def plan_cost(plan: Callable[[], object]) -> float:
    """Return the least CPU milliseconds of a few plannings."""
    costs = []
    for _ in range(LEAST_TIMES):
        begin = time.process_time()
        plan()
        costs.append((time.process_time() - begin) * 1000)
    return min(costs)


def cold_plan(folder: Path) -> float:
    """Return the CPU milliseconds of planning the query of the router-bench by a planner that is new to its schema."""
    supergraph = load_supergraph((folder / "supergraph.graphql").read_text())
    document = parse(json.loads((folder / "query.json").read_text())["query"])
    return plan_cost(lambda: Planner(supergraph).plan(document))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each point")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bench = Path(__file__).resolve().parents[1].parent / "shared" / "router-bench"
    growths = [by_bytes(options.seconds), by_entities(options.seconds), by_subgraphs()]
    cold = cold_plan(bench) if bench.is_dir() else None
    if options.json:
        exponents = {each.name: each.exponent(1) for each in growths}
        print(json.dumps({"growths": [asdict(each) for each in growths], "exponents": exponents, "cold_plan_ms": cold}))
        return 0
    for growth in growths:
        print(f"\n{growth.name}: grows with exponent {growth.exponent(1):.2f} from {growth.points[1].size} on")
        for point in growth.points:
            print(
                f"  {point.size:>9} {growth.unit:10} {point.ms:10.3f} ms  {point.ms / point.size * 1e6:10.1f} ns each"
            )
    print("\ncold plan of the benchmark query: " + (f"{cold:.1f} ms" if cold else f"{bench} is not there"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
