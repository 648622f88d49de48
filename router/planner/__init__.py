"""The query planner: from an operation to the requests that answer it.

    document -> normalise -> walk (over graph and reach) -> tree -> build -> optimise -> finish -> plan

Each arrow is a module with a typed outcome that can be written as text; `Planner` is the whole story.
"""

from router.planner.budget import PlanLimits
from router.planner.dump import STAGES, dump
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
from router.planner.plan_json import plan_json
from router.planner.plan_text import plan_text
from router.planner.planner import Planner, Trace

__all__ = [
    "STAGES",
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
    "dump",
    "plan_json",
    "plan_text",
]
