"""The reference suites compose to the supergraphs they come with."""

import sys
from pathlib import Path

import pytest

from router.composition import Composed, Subgraph, compose

CASES = Path(__file__).parents[4] / "shared" / "federation-cases"
SUITES = sorted(path.name for path in (CASES / "cases").glob("*")) if CASES.is_dir() else []

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SUITES, reason="../shared/federation-cases is not there"),
]


@pytest.fixture(scope="module")
def compare():
    """Return the comparison by meaning that comes with the suites."""
    sys.path.insert(0, str(CASES))
    try:
        import compose_check
    finally:
        sys.path.remove(str(CASES))
    return compose_check.compare


@pytest.mark.parametrize("suite", SUITES)
def test_supergraph_equals_the_reference_in_meaning(suite, compare):
    folder = CASES / "cases" / suite
    subgraphs = [Subgraph(it.stem, it.read_text(), "http://it") for it in (folder / "subgraphs").glob("*.graphql")]

    result = compose(subgraphs)

    assert isinstance(result, Composed), result
    assert compare((folder / "supergraph.graphql").read_text(), result.supergraph_sdl) == []
