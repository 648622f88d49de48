"""A short soak in every run of the tests; `soak.py` goes on for longer."""

from __future__ import annotations

from tests.router.robustness.soak import soak


def test_nothing_is_kept():
    found = soak(6)

    assert found["faults"] == 0
    assert found["answers"] > 100
    assert found["after"]["tasks"] <= found["before"]["tasks"]
    assert found["after"]["objects"] < found["before"]["objects"] * 1.2
    assert found["open"] == 0
