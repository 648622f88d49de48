"""Why a request asks for too much; codes are Apollo's where Apollo has them.

RequestError
├── LimitError                   MAX_…_LIMIT                     its document or its variables are too large
├── CostError                    COST_ESTIMATED_TOO_EXPENSIVE    it would cost too much
├── ActualCostError              COST_ACTUAL_TOO_EXPENSIVE       it has cost too much
└── SlicingArgumentsError        COST_INVALID_SLICING_ARGUMENTS  it does not say how long a list is to be
TransportError
└── SubgraphCostError            SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE   a subgraph is not asked for so much
"""

from __future__ import annotations

from typing_extensions import override

from router.execution.errors import RequestError, TransportError
from router.execution.exchange import GraphQLErrorDict
from router.limits.measure import Excess


class LimitError(RequestError):
    """A bound on the size of operations or variables does not hold."""

    status = 400

    def __init__(self, excess: Excess) -> None:
        super().__init__(excess.message)
        self._code = excess.code

    @override
    def as_dicts(self) -> tuple[GraphQLErrorDict, ...]:
        """Return the one error, under the code of the bound."""
        return ({"message": str(self), "extensions": {"code": self._code}},)


class CostError(RequestError):
    """The operation would cost more than it may."""

    code = "COST_ESTIMATED_TOO_EXPENSIVE"
    status = 400
    figure = "estimated"

    def __init__(self, cost: float, most: float) -> None:
        super().__init__(f"query {self.figure} cost {cost:g} exceeded configured maximum {most:g}")
        self._cost = cost
        self._most = most

    @override
    def as_dicts(self) -> tuple[GraphQLErrorDict, ...]:
        """Return the one error, with the cost and the most that there may be."""
        figures = {f"cost.{self.figure}": self._cost, "cost.max": self._most}
        return ({"message": str(self), "extensions": {"code": self.code, **figures}},)


class ActualCostError(CostError):
    """What the operation brought has cost more than it may."""

    code = "COST_ACTUAL_TOO_EXPENSIVE"
    figure = "actual"


class SlicingArgumentsError(RequestError):
    """The operation does not say how long a list is to be, by exactly one argument."""

    code = "COST_INVALID_SLICING_ARGUMENTS"
    status = 400


class SubgraphCostError(TransportError):
    """The requests to a subgraph would cost more than they may."""

    code = "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE"
