"""Which groups of deferred fields the chosen steps serve."""

from __future__ import annotations

from router.planner.deferral import Deferred
from router.planner.steps import Step, StepKind


class Groups:
    """Tells the groups for one tree of chosen steps; each step is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Deferred, ...]] = {}

    def of(self, step: Step) -> tuple[Deferred, ...]:
        """Return the groups of the fields that a step leads to without passing another field: its own, if it is one."""
        if step.kind is StepKind.FIELD:
            return () if step.field is None else (step.field.deferred,)
        return self.below(step)

    def below(self, step: Step) -> tuple[Deferred, ...]:
        """Return the groups of the fields that follow a step; those that wait for fewer come first."""
        known = self._known.get(id(step))
        if known is None:
            found = dict.fromkeys(group for child in step.chosen() for group in self.of(child))
            known = self._known[id(step)] = tuple(sorted(found, key=_depth))
        return known


def _depth(group: Deferred) -> int:
    return max(map(len, group), default=0)
