"""Every case of the shared suites, planned and interpreted in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.planner import Planner, PlanningError
from router.supergraph import load_supergraph

CASES = Path(__file__).parents[4] / "shared" / "federation-cases" / "cases"
NAMES = sorted(path.parent.name for path in CASES.glob("*/supergraph.graphql"))

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("name", NAMES)
def test_suite(name, federation_cases, interpret):
    """The router gives the expected answers of a suite."""
    failures = []
    suite = federation_cases.load_case(name)
    supergraph = load_supergraph(suite.supergraph)
    planner = Planner(supergraph)
    for case in suite.tests:

        def subgraph(name, document, variables, suite=suite):
            return suite.subgraphs[name].execute(document, variables)

        try:
            response = interpret(supergraph, planner, subgraph, case.query, case.variables)
        except PlanningError as error:
            response = {"data": None, "errors": [{"message": str(error)}]}
        if failure := case.failure(response):
            failures.append(f"{case.id}: {failure}")

    assert failures == []
