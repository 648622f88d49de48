"""A little of the fuzzing in every run of the tests, always with the same examples; `fuzz.py` goes on for longer."""

from __future__ import annotations

import pytest

from tests.router.robustness.fuzz import TARGETS, fuzz, try_answers

FOUND = {
    "a type name that is a list": ("interface_objects", 463, 23),
    "a type name that is a boolean": ("interface_objects", 3070, 134),
}
"""Answers that once broke the router: world, seed of the operation, seed of what happened to the answers."""


@pytest.mark.parametrize("target", TARGETS)
def test_target(target):
    assert fuzz(target, 1, 40) >= 40


@pytest.mark.parametrize("name", FOUND)
async def test_found_before(name):
    await try_answers(FOUND[name])
