"""How much work planning one operation may be."""

from __future__ import annotations

import time
from dataclasses import dataclass

from router.planner.errors import PlanBudgetError, PlanDeadlineError

_STEPS_BETWEEN_LOOKS = 512


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """The bounds of planning: steps of the search, and seconds."""

    steps: int = 300_000
    seconds: float = 5.0


class Budget:
    """Counts the steps of one planning and ends it when they or the time run out."""

    __slots__ = ("_deadline", "_limits", "_next_look", "steps")

    def __init__(self, limits: PlanLimits) -> None:
        self._limits = limits
        self._deadline = time.monotonic() + limits.seconds
        self._next_look = _STEPS_BETWEEN_LOOKS
        self.steps = 0

    def spend(self, steps: int = 1) -> None:
        """Take note of some steps.

        Raises:
            PlanBudgetError: They were too many.
            PlanDeadlineError: They took too long.
        """
        self.steps += steps
        if self.steps >= self._next_look:
            self._look()

    def _look(self) -> None:
        self._next_look = self.steps + _STEPS_BETWEEN_LOOKS
        if self.steps > self._limits.steps:
            raise PlanBudgetError(f"the operation needs more than {self._limits.steps} planning steps")
        if time.monotonic() > self._deadline:
            raise PlanDeadlineError(f"the operation could not be planned within {self._limits.seconds} s")
