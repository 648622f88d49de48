"""Plans of small operations, kept as text beside them; UPDATE_PLANS=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from graphql import parse, validate

from router.planner import plan_text
from tests.router.differential.world import world

PLANS = Path(__file__).parent / "plans"
OPERATIONS = sorted(PLANS.glob("*/*.graphql"))


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_plan(path):
    """The plan is the one that was looked at and found good."""
    tried = world(path.parent.name)
    document = parse(path.read_text())
    assert validate(tried.supergraph.api_schema, document) == []

    text = plan_text(tried.planner.plan(document)) + "\n"

    expected = path.with_suffix(".plan")
    if os.environ.get("UPDATE_PLANS"):
        expected.write_text(text)
    assert expected.read_text() == text
