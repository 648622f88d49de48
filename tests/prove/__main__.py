"""`python -m tests.prove AREA [--quick]`: measure what an area claims; exit 1 where a claim falls short."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

import tests.prove
from tests.prove.claims import Prover

_PARTS_OF_THE_TOOL = {
    "__main__",
    "claims",
    "checkout",
    "services",
    "storm",
    "suites",
    "catalogue_input",
    "catalogue_scale",
    "inventory_books",
    "inventory_reading",
    "erasure",
    "events_partners",
    "events_recommendations",
    "events_analytics",
    "orders_input",
    "orders_payments",
    "policy_cache",
    "policy_faults",
    "policy_rates",
    "policy_sight",
    "orders_races",
    "orders_stress",
}


def areas() -> list[str]:
    """The areas that can be proved: every other module of this package."""
    return sorted({module.name for module in pkgutil.iter_modules(tests.prove.__path__)} - _PARTS_OF_THE_TOOL)


def main() -> int:
    """Read the command line and run the area."""
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("area", choices=areas(), metavar="AREA", help=", ".join(areas()))
    parser.add_argument("--quick", action="store_true", help="leave out the long parts; under five minutes")
    options = parser.parse_args()
    prover = Prover(options.area, options.quick)
    importlib.import_module(f"tests.prove.{options.area}").prove(prover)
    return prover.conclude()


if __name__ == "__main__":
    sys.exit(main())
