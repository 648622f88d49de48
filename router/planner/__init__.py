"""The query planner: from an operation to the requests that answer it.

    document -> normalise -> walk (over graph and reach) -> tree -> build -> optimise -> finish -> plan

Each arrow is a module with a typed outcome that can be written as text; `Planner` is the whole story.
"""

from router.planner.budget import PlanLimits
from router.planner.errors import (
    OperationError,
    PlanBudgetError,
    PlanDeadlineError,
    PlanLimitError,
    PlanningError,
    UnplannableError,
)
from router.planner.normalise import condition_variables
from router.planner.plan import QueryPlan
from router.planner.planner import Planner, Trace

__all__ = [
    "OperationError",
    "PlanBudgetError",
    "PlanDeadlineError",
    "PlanLimitError",
    "PlanLimits",
    "Planner",
    "PlanningError",
    "QueryPlan",
    "Trace",
    "UnplannableError",
    "condition_variables",
]
