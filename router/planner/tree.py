"""Pass 4: choose one way for each leaf, so that all of them together cost little.

Steps that chosen ways share are paid once, so the cheapest way by itself need not be the best. Leaves with only one
way come first: they must be paid for in any case. Each other leaf then takes the way that adds least to what is
chosen. That is not always the optimum, but it is found in linear time, and a way that needs no jump is never given up
for one that does.
"""

from __future__ import annotations

from router.planner.steps import Step
from router.planner.walk import Ways


def choose_ways(ways: Ways) -> None:
    """Mark the steps of the best ways as chosen."""
    open_leaves = []
    for leaf in ways.leaves:
        if len(leaf) == 1:
            leaf[0].choose()
        else:
            open_leaves.append(leaf)
    for leaf in sorted(open_leaves, key=len):
        min(leaf, key=Step.missing_cost).choose()


def dump_tree(ways: Ways) -> str:
    """Write the chosen steps as text."""
    chosen = (origin for origin in ways.origins if any(origin.chosen()))
    return "\n".join(line for origin in chosen for line in origin.lines(only_chosen=True))
