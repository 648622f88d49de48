"""Labels of progressive overrides are active by choice or by chance."""

from __future__ import annotations

import pytest

from router.execution.overrides import Overrides


def test_a_label_of_the_supergraph_is_active_when_chosen():
    overrides = Overrides({"beta", "percent(0)"})
    assert overrides.active(frozenset({"beta", "stranger"})) == {"beta"}
    assert overrides.active(frozenset()) == frozenset()


@pytest.mark.parametrize(
    ("label", "least", "most"), [("percent(100)", 1000, 1000), ("percent(25.5)", 150, 360), ("percent(0)", 0, 0)]
)
def test_a_share_is_drawn_for_each_request(label, least, most):
    overrides = Overrides({label})
    assert least <= sum(label in overrides.active(frozenset()) for _ in range(1000)) <= most
