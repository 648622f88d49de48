"""A router process in front of subgraphs that misbehave when asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.router.robustness.answers import BEHAVIOURS
from tests.router.robustness.process import RouterProcess, router_process
from tests.router.robustness.subgraphs import Subgraphs

YAML = "subgraph_timeout: 4\nserver: {request_timeout: 10}\n"


@pytest.fixture(scope="module")
def subgraphs() -> Iterator[Subgraphs]:
    """Both subgraphs, in a thread."""
    server = Subgraphs(BEHAVIOURS)
    with server.running():
        yield server


@pytest.fixture(scope="module")
def router(subgraphs: Subgraphs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterProcess]:
    """A router in front of them."""
    with router_process(tmp_path_factory.mktemp("router"), subgraphs.supergraph, YAML) as process:
        yield process


@pytest.fixture(scope="session")
def note(record_testsuite_property: Callable[[str, object], None]) -> Callable[[str, float], None]:
    """Tell a figure to who runs the tests: `make prove` reads them from the JUnit report."""
    return lambda name, figure: record_testsuite_property(name, round(figure, 2))
