"""How long composition takes: the shop, and generated graphs up to 200 subgraphs and 5,000 types.

    python benchmarks/composition.py [--quick] [--reference FOLDER]

Every composition proves satisfiability. Times are CPU milliseconds of the process, which is what a composition takes on
a machine that has nothing else to do. ``--reference`` names a folder in which ``npm install @apollo/composition
graphql@16`` was run; then the same inputs are composed with it in the same run, in the next column.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from router.composition import Composed, Subgraph, compose, load_subgraphs, read_config

ROOT = Path(__file__).parents[1]
TYPES_PER_SUBGRAPH = 25
SIZES = (25, 50, 100, 200)
LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])'
SHOP_BOUND_MS = 300
REFERENCE_MEGABYTES = 8192
"""The heap that the reference may take."""
LINEAR_BOUND = 2.0
"""The most that a type may cost in the largest graph, as a multiple of its cost in the smallest."""


def generated(count: int) -> Iterator[Subgraph]:
    """Yield subgraphs that own entities, refer to those of others, extend some, and share a value type."""
    owned = TYPES_PER_SUBGRAPH - 1
    for number in range(count):
        types = {f"E{number}_{index}": _entity(number, index, count, owned) for index in range(owned)}
        for index in range(owned):
            types.setdefault(
                f"E{_other(number, index, count)}_{index}", '@key(fields: "id", resolvable: false) { id: ID! }'
            )
        for index in range(3):
            extended = f"E{(number + index + 1) % count}_{index}"
            types[extended] = f'@key(fields: "id") {{ id: ID! from{number}: Int rank{number}: Float }}'
        parts = [
            LINK,
            "type Money @shareable { amount: String! currency: String! }",
            f"type Query {{ root{number}(id: ID!): E{number}_0 all{number}: [E{number}_1!]! }}",
            *(f"type {name} {body}" for name, body in types.items()),
        ]
        yield Subgraph(f"s{number}", "\n".join(parts), f"http://s{number}")


def _other(number: int, index: int, count: int) -> int:
    return (number * 7 + index + 1) % count


def _entity(number: int, index: int, count: int, owned: int) -> str:
    return f"""@key(fields: "id") {{
  id: ID!
  name(first: Int = 10, after: String): String!
  price: Money!
  next: E{number}_{(index + 1) % owned}
  elsewhere: [E{_other(number, index, count)}_{index}!]!
}}"""


def shop() -> list[Subgraph]:
    """Return the subgraphs of the shop."""
    config = read_config(ROOT / "supergraph.yaml")
    return load_subgraphs(config)


def measure(subgraphs: list[Subgraph], rounds: int) -> tuple[float, int]:
    """Return the least CPU milliseconds of a composition, and the number of types of the supergraph."""
    times: list[float] = []
    types = 0
    for _ in range(rounds):
        started = process_time()
        result = compose(subgraphs)
        times.append((process_time() - started) * 1000)
        if not isinstance(result, Composed):
            sys.exit("\n".join(map(str, result[:3])))
        types = result.supergraph_sdl.count("\ntype ")
    return min(times), types


def measure_reference(subgraphs: list[Subgraph], rounds: int, folder: str) -> str:
    """Return the least CPU milliseconds of the same composition by @apollo/composition, or how it failed."""
    request = {"subgraphs": [{"name": it.name, "sdl": it.sdl} for it in subgraphs], "rounds": rounds}
    script = Path(__file__).with_suffix("") / "reference.mjs"
    answer = subprocess.run(
        ["node", "--stack-size=4000", f"--max-old-space-size={REFERENCE_MEGABYTES}", str(script)],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"NODE_MODULES": str(Path(folder).resolve())},
    )
    if "heap out of memory" in answer.stderr:
        return f"out of {REFERENCE_MEGABYTES} MB"
    answer.check_returncode()
    return f"{min(json.loads(answer.stdout)):.0f}"


def main() -> int:
    """Print the table; exit 1 where a bound is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only up to 50 subgraphs")
    parser.add_argument("--reference", metavar="FOLDER", help="folder with @apollo/composition in its node_modules")
    options = parser.parse_args()
    inputs = [("shop", shop(), 10)]
    sizes = SIZES[:2] if options.quick else SIZES
    inputs += [(f"{size} subgraphs", list(generated(size)), 1) for size in sizes]
    print(f"{'input':16}{'types':>8}{'ms':>10}{'ms/type':>10}{'@apollo/composition ms':>26}")
    costs: dict[str, float] = {}
    times: dict[str, float] = {}
    for name, subgraphs, rounds in inputs:
        times[name], types = measure(subgraphs, rounds)
        costs[name] = times[name] / types
        reference = measure_reference(subgraphs, rounds, options.reference) if options.reference else "-"
        print(f"{name:16}{types:>8}{times[name]:>10.0f}{costs[name]:>10.2f}{reference:>26}", flush=True)
    growth = costs[inputs[-1][0]] / costs[inputs[1][0]]
    holds = times["shop"] < SHOP_BOUND_MS, growth < LINEAR_BOUND
    print(f"shop {times['shop']:.0f} ms, bound {SHOP_BOUND_MS}: {'holds' if holds[0] else 'FAILS'}")
    print(f"cost of a type grows {growth:.2f}-fold, bound {LINEAR_BOUND}: {'holds' if holds[1] else 'FAILS'}")
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
