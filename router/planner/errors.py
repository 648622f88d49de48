"""What can keep an operation from being planned.

PlanningError
├── OperationError       the document does not hold the operation that was asked for, or it cannot be served
├── UnplannableError     the supergraph gives no way to a field
└── PlanLimitError       planning was given up
    ├── PlanBudgetError      it took more steps than allowed
    └── PlanDeadlineError    it took more time than allowed

All of them may be shown to clients; `code` goes to the error's extensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class PlanningError(Exception):
    """An operation has no plan."""

    code: ClassVar[str] = "QUERY_PLANNING_FAILED"


class OperationError(PlanningError):
    """The document does not hold the operation that was asked for, or it cannot be served."""

    code: ClassVar[str] = "GRAPHQL_VALIDATION_FAILED"


class UnplannableError(PlanningError):
    """A field is reached from nowhere.

    `tried` are the subgraphs that were looked at, `reasons` say for each what was missing.
    """

    def __init__(self, field: str, path: str, tried: Sequence[str], reasons: Sequence[str]) -> None:
        where = f" at {path}" if path else ""
        subgraphs = ", ".join(tried) or "none"
        details = "".join(f"; {reason}" for reason in reasons)
        super().__init__(f'no subgraph can resolve "{field}"{where} (subgraphs tried: {subgraphs}){details}')
        self.field = field
        self.path = path
        self.tried = tuple(tried)
        self.reasons = tuple(reasons)


class PlanLimitError(PlanningError):
    """Planning was given up before it ended."""


class PlanBudgetError(PlanLimitError):
    """Planning took more steps than allowed."""

    code: ClassVar[str] = "QUERY_PLAN_COMPLEXITY_EXCEEDED"


class PlanDeadlineError(PlanLimitError):
    """Planning took more time than allowed."""

    code: ClassVar[str] = "QUERY_PLANNING_TIMEOUT"
