"""What tests of the cache need."""

from __future__ import annotations

import pytest

from tests.router.traffic.ways import Clock


@pytest.fixture
def now():
    return Clock()
