"""What tests of telemetry need."""

from __future__ import annotations

import pytest

from tests.router.traffic.ways import Subgraph


@pytest.fixture
def subgraph():
    return Subgraph()
