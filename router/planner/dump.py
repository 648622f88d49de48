"""What each pass of the planner makes of an operation, as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from router.planner.plan_text import plan_text
from router.planner.planner import Trace
from router.planner.tree import dump_tree

_STAGES: Mapping[str, Callable[[Trace], str]] = {
    "normalise": lambda trace: trace.operation.dump(),
    "graph": lambda trace: trace.graph.dump(),
    "walk": lambda trace: "\n".join(ways.dump() for ways in trace.ways),
    "tree": lambda trace: "\n".join(dump_tree(ways) for ways in trace.ways),
    "build": lambda trace: trace.built.dump(),
    "fetches": lambda trace: trace.optimised.dump(),
    "plan": lambda trace: plan_text(trace.plan),
}
STAGES = tuple(_STAGES)
"""The passes whose outcome can be shown, in their order."""


def dump(stage: str, trace: Trace) -> str:
    """Write the outcome of a pass.

    Raises:
        KeyError: There is no such pass.
    """
    return _STAGES[stage](trace)
