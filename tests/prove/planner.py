"""What issue 5 claims of planner and engine, as far as it needs no peers: answers, speed of planning, hostile input."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from graphql import GraphQLError, parse, validate

from router.planner import Planner, PlanningError, condition_variables
from router.supergraph import Supergraph, load_supergraph
from tests.prove.claims import Prover
from tests.router.differential.operations import make_operation
from tests.router.differential.world import SCHEMAS, world

SHARED = Path(__file__).parents[3] / "shared"
WORLDS = sorted(path.name for path in SCHEMAS.iterdir())


def prove(prover: Prover) -> None:
    """Measure everything."""
    with prover.part("Reference cases over HTTP"):
        _cases(prover)
    with prover.part("Random operations"):
        _differential(prover)
    with prover.part("Cold plans"):
        _cold_plans(prover)
    with prover.part("A hundred subgraphs"):
        _hundred_subgraphs(prover)
    with prover.part("Hostile input"):
        _fuzz(prover)


def _cases(prover: Prover) -> None:
    start = f"{Path(sys.executable).parent}/storegraph router --supergraph {{supergraph}} --port {{port}}"
    command = [sys.executable, "run.py", "--start", start]
    done = subprocess.run(command, cwd=SHARED / "federation-cases", capture_output=True, text=True, check=False)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-300:]
    prover.equal("run.py of the shared cases", last, "passed 118 / 118")


def _differential(prover: Prover) -> None:
    count = 40 if prover.quick else 250
    differences, worst = [], 0.0
    for name in WORLDS:
        for seed in range(count):
            if difference := asyncio.run(world(name).engine_difference(seed)):
                differences.append(f"{name} {difference}")
            worst = max(
                worst, _cold_plan(world(name).supergraph, *make_operation(world(name).supergraph.api_schema, seed))
            )
    for difference in differences:
        print(difference)
    prover.check("supergraphs of our own", len(WORLDS), ">= 6", len(WORLDS) >= 6)
    prover.equal(f"of {count * len(WORLDS)} random operations answered unlike the monolith", len(differences), 0)
    prover.at_most("worst cold plan of them", worst, 200, "ms")


def _cold_plan(supergraph: Supergraph, query: str, variables: dict[str, object]) -> float:
    """Return the milliseconds of CPU of a planner that knows nothing yet."""
    document = parse(query)
    conditions = {name: bool(variables[name]) for name in condition_variables(document, None)}
    return _milliseconds(lambda: Planner(supergraph).plan(document, None, conditions))


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def _cold_plans(prover: Prover) -> None:
    bench = SHARED / "router-bench"
    supergraph = load_supergraph((bench / "supergraph.graphql").read_text())
    query = json.loads((bench / "query.json").read_text())["query"]
    times = [_cold_plan(supergraph, query, {}) for _ in range(10)]
    prover.at_most("the benchmark query, median of ten", statistics.median(times), 20, "ms")


def _hundred_subgraphs(prover: Prover) -> None:
    supergraph = load_supergraph(many_subgraphs(100))
    fields = " ".join(f"f{number}" for number in range(100))
    prover.at_most("a small operation", _cold_plan(supergraph, "{ q0 { id f1 } }", {}), 50, "ms")
    prover.at_most("an entity out of all of them", _cold_plan(supergraph, f"{{ q0 {{ {fields} }} }}", {}), 200, "ms")
    chain = "{ q0 { " + "".join(f"t{number} {{ f{number} " for number in range(30)) + "}" * 32
    prover.at_most("a chain through thirty", _cold_plan(supergraph, chain, {}), 200, "ms")
    shared = "{ q0 { " + "shared { " * 12 + "f3 f4" + " }" * 14
    prover.at_most("a field that all of them share, twelve deep", _cold_plan(supergraph, shared, {}), 200, "ms")
    aliases = "{ q0 { " + " ".join(f"a{number}: f{number % 100}" for number in range(10_000)) + " } }"
    prover.at_most("ten thousand aliases", _cold_plan(supergraph, aliases, {}), 2000, "ms")


def many_subgraphs(count: int) -> str:
    """Return a supergraph in which an entity has a field of its own in each of many subgraphs."""
    numbers = range(count)
    graphs = " ".join(f'G{n} @join__graph(name: "g{n}", url: "http://g{n}")' for n in numbers)
    everywhere = " ".join(f"@join__type(graph: G{n})" for n in numbers)
    keyed = " ".join(f'@join__type(graph: G{n}, key: "id")' for n in numbers)
    roots = " ".join(f"q{n}: T @join__field(graph: G{n})" for n in numbers)
    own = " ".join(f"f{n}: Int @join__field(graph: G{n}) t{n}: T @join__field(graph: G{n})" for n in numbers)
    return f"""
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
{{ query: Query }}
scalar join__FieldSet
enum join__Graph {{ {graphs} }}
type Query {everywhere} {{ {roots} }}
type T {keyed} {{ id: ID! shared: T {own} }}
"""


def _fuzz(prover: Prover) -> None:
    """Break operations by hand and see that nothing but the right errors comes of it."""
    until = time.monotonic() + (10 if prover.quick else 600)
    chance = random.Random(1)
    tried, surprises = 0, []
    while time.monotonic() < until:
        known = world(chance.choice(WORLDS))
        query, variables = make_operation(known.supergraph.api_schema, chance.randrange(10**6))
        try:
            _plan_if_valid(known.supergraph, known.planner, _mutated(query, chance), variables)
        except (GraphQLError, PlanningError):
            pass
        except Exception as error:
            surprises.append(f"{type(error).__name__}: {error}")
        tried += 1
    prover.equal(f"surprises from {tried} mutated operations, parser to plan", surprises[:3], [])


def _plan_if_valid(supergraph: Supergraph, planner: Planner, query: str, variables: dict[str, object]) -> None:
    document = parse(query)
    if not validate(supergraph.api_schema, document):
        conditions = {name: bool(variables.get(name)) for name in condition_variables(document, None)}
        planner.plan(document, None, conditions)


def _mutated(query: str, chance: random.Random) -> str:
    """Return the text with some words dropped, doubled or exchanged."""
    words = query.split(" ")
    for _ in range(chance.randint(1, 4)):
        place, other = chance.randrange(len(words)), chance.randrange(len(words))
        match chance.randrange(3):
            case 0:
                words[place] = ""
            case 1:
                words.insert(place, words[other])
            case _:
                words[place], words[other] = words[other], words[place]
    return " ".join(words)
