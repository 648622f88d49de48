"""What tests of the traffic need."""

from __future__ import annotations

import pytest

from tests.router.traffic.ways import Clock, Subgraph, Watcher


@pytest.fixture
def subgraph():
    return Subgraph()


@pytest.fixture
def now():
    return Clock()


@pytest.fixture
def watcher():
    return Watcher()
