"""The pipeline from an operation to its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import DocumentNode

from router.planner.budget import Budget, PlanLimits
from router.planner.build import Builder
from router.planner.deferral import NO_DEFERRALS, Deferrals
from router.planner.errors import PlanBudgetError
from router.planner.fetches import FetchGraph
from router.planner.finish import make_plan
from router.planner.graph import Graph
from router.planner.normalise import Operation, normalise_operation
from router.planner.optimise import optimise
from router.planner.plan import QueryPlan
from router.planner.reach import Reach
from router.planner.roots import walk_operation
from router.planner.walk import Walker, Ways
from router.supergraph import Supergraph


@dataclass(frozen=True, slots=True)
class Trace:
    """What each pass made of an operation."""

    operation: Operation
    graph: Graph
    ways: tuple[Ways, ...]
    built: FetchGraph
    optimised: FetchGraph
    plan: QueryPlan


class Planner:
    """Plans operations on one supergraph; what it learns of the schema serves all that follow."""

    def __init__(self, supergraph: Supergraph, limits: PlanLimits | None = None) -> None:
        self.supergraph = supergraph
        self._limits = limits or PlanLimits()
        self._reach: dict[frozenset[str], Reach] = {}

    @cached_property
    def override_labels(self) -> frozenset[str]:
        """The labels of progressive overrides: a plan depends on which of them are active."""
        return frozenset(
            membership.override_label
            for type_ in self.supergraph.types.values()
            for field in type_.fields.values()
            for membership in field.subgraphs.values()
            if membership.override_label is not None
        )

    def plan(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        conditions: Mapping[str, bool] | None = None,
        labels: frozenset[str] = frozenset(),
        *,
        defer: bool = False,
        counts: Mapping[str, Any] | None = None,
    ) -> QueryPlan:
        """Plan one variant of a valid operation.

        Args:
            document: The client's document, valid against the public schema.
            operation_name: Which operation of it; needed where there are several.
            conditions: The values of the variables that `@skip` and `@include` use.
            labels: The override labels that are active.
            defer: Whether `@defer` and `@stream` count; `conditions` then holds the values of their variables too.
            counts: The values of the variables that tell how many items of a list come first.

        Raises:
            PlanningError: There is no plan, see `router.planner.errors`.
        """
        return self.trace(document, operation_name, conditions, labels, defer=defer, counts=counts).plan

    def trace(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        conditions: Mapping[str, bool] | None = None,
        labels: frozenset[str] = frozenset(),
        *,
        defer: bool = False,
        counts: Mapping[str, Any] | None = None,
    ) -> Trace:
        """Plan like `plan`, and keep what each pass made."""
        try:
            deferrals = Deferrals(document, conditions or {}, counts) if defer else NO_DEFERRALS
            operation = normalise_operation(self.supergraph, document, operation_name, conditions or {}, deferrals)
            return self._trace(operation, labels & self.override_labels)
        except RecursionError as error:
            raise PlanBudgetError("the operation is nested too deeply to be planned") from error

    def _trace(self, operation: Operation, labels: frozenset[str]) -> Trace:
        reach = self._reach.get(labels)
        if reach is None:
            reach = self._reach[labels] = Reach(Graph(self.supergraph, labels))
        budget = Budget(self._limits)
        walker = Walker(reach.graph, reach, budget, defers=bool(operation.deferrals))
        builder = Builder(reach, walker, operation, budget)
        ways = tuple(walk_operation(reach.graph, walker, operation))
        for chosen in ways:
            builder.add_roots(chosen.origins)
        built = builder.fetch_graph()
        optimised = optimise(built)
        return Trace(operation, reach.graph, ways, built, optimised, make_plan(optimised, operation))
