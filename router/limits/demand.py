"""Demand control: what operations cost is told, and those that cost too much are refused or written down."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import structlog

from router.execution.compiler import Program
from router.execution.documents import Document
from router.execution.exchange import GraphQLRequest, GraphQLResponse, Outcome
from router.execution.gate import OPEN, Passage
from router.limits.actual import Count, actual_cost
from router.limits.costs import CostRules, cost_rules
from router.limits.errors import ActualCostError, CostError, SlicingArgumentsError, SubgraphCostError
from router.limits.estimate import Estimator, PlanCost, SlicingError
from router.limits.settings import DemandSettings
from router.operations.resolver import StoredRequest
from router.supergraph import Supergraph

_LOG: Final = structlog.get_logger("router.limits")


@dataclass(frozen=True, slots=True)
class Bill:
    """What one request is expected to cost, and what it may."""

    subgraphs: Mapping[str, float]
    most: float

    @property
    def total(self) -> float:
        """What it costs in all subgraphs together."""
        return sum(self.subgraphs.values())


@dataclass(frozen=True, slots=True)
class DemandControl:
    """Knows what operations on one supergraph cost.

    Attributes:
        settings: what they may cost.
        rules: what things cost.
        estimator: tells what plans cost.
        roots: the names of the root types.
    """

    settings: DemandSettings
    rules: CostRules
    estimator: Estimator
    roots: Mapping[str, str]

    @property
    def enforces(self) -> bool:
        """Whether what costs too much is refused."""
        return self.settings.mode == "enforce"

    def of(self, document: Document, name: str | None) -> OperationDemand:
        """Return what tells the costs of one operation."""
        counts = self.settings.actual and self.settings.mode != "off"
        count = actual_cost(self.rules, dict(self.roots), document, name) if counts else None
        return OperationDemand(self, name, count)


@dataclass(frozen=True, slots=True)
class OperationDemand:
    """What one operation costs.

    Attributes:
        control: the rules.
        name: of the operation.
        count: tells what an answer has cost.
        plans: what its plans cost, by the numbers of their programs; a text instead says why that cannot be told.
    """

    control: DemandControl
    name: str | None
    count: Count | None
    plans: dict[int, PlanCost | str] = field(default_factory=dict)
    passages: dict[int, Passage] = field(default_factory=dict)
    """What goes with plans of which everything was told when they were made."""

    def learn(self, program: Program) -> None:
        """Work out what a plan costs."""
        try:
            self.plans[program.number] = self.control.estimator.plan(program.plan)
        except SlicingError as error:
            self.plans[program.number] = str(error)

    def bill(self, program: Program, variables: Mapping[str, Any], client: str | None) -> Bill:
        """Return what a program is expected to cost with some variables.

        Raises:
            SlicingArgumentsError: that cannot be told.
        """
        settings = self.control.settings
        most = settings.clients.get(client, settings.max) if client else settings.max
        cost = self.plans[program.number]
        try:
            if isinstance(cost, PlanCost):
                return Bill(cost.by_subgraph(variables), most)
            reason = cost
        except SlicingError as error:
            reason = str(error)
        if self.control.enforces:
            raise SlicingArgumentsError(reason)
        _LOG.warning("the cost of an operation cannot be told", operation=self.name, reason=reason)
        return Bill({}, most)

    def check(
        self, program: Program, variables: Mapping[str, Any], request: GraphQLRequest, client: str | None
    ) -> Passage:
        """Hold a request to what it may cost.

        Raises:
            CostError: it would cost more.
            SlicingArgumentsError: it cannot be told.
        """
        plain = client is None and request.extensions is None and not isinstance(request, StoredRequest)
        if plain and (known := self.passages.get(program.number)) is not None:
            return known
        bill = self.bill(program, variables, client)
        self._insist_on_budget(bill, request)
        if self.control.settings.mode == "off":
            return OPEN
        if bill.total > bill.most:
            if self.control.enforces:
                raise CostError(bill.total, bill.most)
            _LOG.warning("an operation costs too much", operation=self.name, estimated=bill.total, max=bill.most)
        told = self.control.settings.expose and bool((request.extensions or {}).get("cost"))
        closed = self._closed(bill)
        passage = OPEN
        if self.count is not None or told or closed:
            passage = Passage(partial(self._weigh, bill, told), closed)
        cost = self.plans[program.number]
        if plain and isinstance(cost, PlanCost) and cost.is_settled and bill.total <= bill.most:
            self.passages[program.number] = passage
        return passage

    def _closed(self, bill: Bill) -> dict[str, SubgraphCostError]:
        closed: dict[str, SubgraphCostError] = {}
        for name, chosen in self.control.settings.subgraphs.items():
            cost = bill.subgraphs.get(name, 0.0)
            if chosen.max is None or cost <= chosen.max:
                continue
            if self.control.enforces:
                closed[name] = SubgraphCostError(f"estimated cost {cost:g} exceeded configured maximum {chosen.max:g}")
            else:
                _LOG.warning("a subgraph is asked for too much", operation=self.name, subgraph=name, estimated=cost)
        return closed

    def _insist_on_budget(self, bill: Bill, request: GraphQLRequest) -> None:
        """Hold a published operation to its own budget, whatever the mode."""
        stored = request.operation if isinstance(request, StoredRequest) else None
        most = None if stored is None or stored.budget is None else stored.budget.cost
        if most is not None and bill.total > most:
            raise CostError(bill.total, most)

    def _weigh(self, bill: Bill, told: bool, response: GraphQLResponse) -> GraphQLResponse:
        """Look at what an answer has cost; answers that are made once are counted once."""
        if self.count is not None and response.cost is None:
            response.cost = self.count(response.data)
        actual = response.cost
        if actual is not None and actual > bill.most:
            if self.control.enforces:
                errors = ActualCostError(actual, bill.most).as_dicts()
                return GraphQLResponse(Outcome.EXECUTED, None, errors)
            _LOG.warning("an operation has cost too much", operation=self.name, actual=actual, max=bill.most)
        return _with_cost(response, bill, actual) if told else response


def _with_cost(response: GraphQLResponse, bill: Bill, actual: float | None) -> GraphQLResponse:
    """Return an answer that tells its cost, in its extensions and in headers."""
    figures = {"estimated": bill.total, "max": bill.most, "estimatedBySubgraph": dict(bill.subgraphs)}
    headers = [(b"x-cost-estimated", b"%g" % bill.total), (b"x-cost-max", b"%g" % bill.most)]
    if actual is not None:
        figures["actual"] = actual
        headers.append((b"x-cost-actual", b"%g" % actual))
    told = copy(response)
    told.extensions = {**(response.extensions or {}), "cost": figures}
    told.headers = (*response.headers, *headers)
    told.forget_body()
    return told


def demand_control(supergraph: Supergraph, settings: DemandSettings, *, budgets: bool) -> DemandControl | None:
    """Return what tells costs; None if nobody asks, be it for the budgets of published operations."""
    if settings.mode == "off" and not budgets:
        return None
    sizes = {name: float(each.list_size) for name, each in settings.subgraphs.items() if each.list_size is not None}
    rules = cost_rules(supergraph)
    estimator = Estimator(rules, supergraph.roots, float(settings.list_size), sizes)
    return DemandControl(settings, rules, estimator, supergraph.roots)
