"""Random operations through the whole engine, compared with one monolith; and what planning them costs.

    python -m tests.router.robustness.corpus [--operations 2000] [--federations 200] [--seed 0] [--world NAME] [--json]

Each fourth operation is asked once more with parts of it deferred, and once with lists streamed. `--federations` adds
so many random federations. A line for each answer that differed names the world and the seed that repeats it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from graphql import get_operation_ast, parse
from graphql.utilities import value_from_ast_untyped

from router.planner import Planner, condition_variables
from tests.router.differential.world import SCHEMAS, World, random_world, world

OPERATIONS_FOR_A_FEDERATION = 5
WORLDS = tuple(sorted(path.name for path in SCHEMAS.iterdir()))


@dataclass(slots=True)
class Findings:
    """What a corpus showed.

    Attributes:
        operations: how many were answered.
        deferred: how many of them in parts, too.
        differences: those that were answered otherwise than by the monolith.
        plan_ms: CPU milliseconds that each plan took.
        worst: world and seed of the operation that took longest to plan.
    """

    operations: int = 0
    deferred: int = 0
    worlds: int = 0
    federations: int = 0
    fetches: int = 0
    differences: list[str] = field(default_factory=list)
    plan_ms: list[float] = field(default_factory=list)
    worst: str = ""

    def summary(self) -> dict[str, object]:
        """Return the figures in short."""
        found = asdict(self)
        del found["plan_ms"]
        return found | {"plan_ms_median": median(self.plan_ms), "plan_ms_worst": max(self.plan_ms)}


def shares(operations: int, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Deal a number of operations out to worlds, so that none is left over."""
    for index, name in enumerate(names):
        yield name, operations // len(names) + (index < operations % len(names))


def plan_cost(planner: Planner, tried: World, seed: int) -> tuple[float, int]:
    """Plan an operation that the planner has not met; return CPU milliseconds and how many fetches it takes."""
    query, variables, _ = tried.asked(seed)
    document = parse(query)
    operation = get_operation_ast(document)
    definitions = operation.variable_definitions or () if operation else ()
    defaults = {
        each.variable.name.value: value_from_ast_untyped(each.default_value)
        for each in definitions
        if each.default_value
    }
    given = defaults | variables
    conditions = {name: bool(given[name]) for name in condition_variables(document, None)}
    begin = time.process_time()
    plan = planner.plan(document, None, conditions, tried.universe.labels)
    return (time.process_time() - begin) * 1000, len(plan.fetches)


async def examine(findings: Findings, name: str, seeds: range) -> None:
    """Answer the operations of some seeds in one world."""
    tried = world(name)
    planner = Planner(tried.supergraph)
    gc.freeze()  # a plan is not to pay for looking through all the worlds
    for seed in seeds:
        cost, fetches = plan_cost(planner, tried, seed)
        if not findings.plan_ms or cost > max(findings.plan_ms):
            findings.worst = f"{name}, seed {seed}"
        findings.plan_ms.append(cost)
        findings.fetches += fetches
        if difference := await tried.engine_difference(seed):
            findings.differences.append(f"{name}: {difference}")
        if seed % 4 == 0:
            findings.deferred += 1
            if difference := await tried.deferred_difference(seed):
                findings.differences.append(f"{name}, deferred: {difference}")
            if difference := await tried.streamed_difference(seed):
                findings.differences.append(f"{name}, streamed: {difference}")
        findings.operations += 1


async def examine_federations(findings: Findings, count: int, first: int) -> None:
    """Answer some operations on each of so many random federations."""
    seeds = itertools.count(first)
    while findings.federations < count:
        number = next(seeds)
        tried = random_world(number)
        if tried is None:
            continue
        findings.federations += 1
        for seed in range(OPERATIONS_FOR_A_FEDERATION):
            asked = (tried.engine_difference(seed), tried.deferred_difference(seed), tried.streamed_difference(seed))
            found = [await each for each in asked]
            findings.differences += [f"federation {number}: {each}" for each in found if each]


async def run(operations: int, first: int, names: Sequence[str] = WORLDS) -> Findings:
    """Answer a number of operations, dealt out to the worlds."""
    findings = Findings(worlds=len(names))
    for name, count in shares(operations, names):
        await examine(findings, name, range(first, first + count))
    return findings


def main() -> int:
    """Run a corpus and print what it showed; 1 where an answer differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", type=int, default=2000)
    parser.add_argument("--federations", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--world", choices=WORLDS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    findings = asyncio.run(run(options.operations, options.seed, [options.world] if options.world else WORLDS))
    asyncio.run(examine_federations(findings, options.federations, options.seed))
    if options.json:
        print(json.dumps(findings.summary()))
    else:
        print("\n\n".join(findings.differences))
        print(
            f"{findings.operations} operations in {findings.worlds} worlds, {findings.deferred} of them in parts too,"
        )
        print(f"and {findings.federations} random federations: {len(findings.differences)} differ;")
        print(
            f"a plan takes {median(findings.plan_ms):.2f} ms, the worst {max(findings.plan_ms):.1f} ({findings.worst})"
        )
    return int(bool(findings.differences))


if __name__ == "__main__":
    sys.exit(main())
