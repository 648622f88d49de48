"""A little of the fuzzing in every run of the tests, always with the same examples; `fuzz.py` goes on for longer."""

from __future__ import annotations

import pytest

from tests.router.robustness.fuzz import TARGETS, fuzz


@pytest.mark.parametrize("target", TARGETS)
def test_target(target):
    assert fuzz(target, 1, 40) >= 40
