"""The router's gate: everything that is held against an operation before it is planned and run.

What can be told of an operation once is told when it is prepared: what it demands, how large it is, what it costs. A
request then only adds who asks and with which variables. Where none of this is set up there is no gate, and an
operation about which nothing matters has no study, so that it costs nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from router.config import RouterSettings
from router.execution.compiler import Program
from router.execution.documents import Document
from router.execution.exchange import GraphQLRequest, RequestContext
from router.execution.gate import ALL, OPEN, Part, Passage, Study
from router.limits.demand import DemandControl, OperationDemand, demand_control
from router.limits.errors import LimitError
from router.limits.measure import excesses, measure
from router.limits.settings import LimitSettings
from router.limits.variables import VariableLimits, variable_limits
from router.operations.resolver import StoredRequest
from router.policy.access import access_rules
from router.policy.authorization import Authorization, OperationAccess
from router.policy.identity import ANONYMOUS, Identity
from router.policy.policies import policy_decider
from router.supergraph import Supergraph

_LOG: Final = structlog.get_logger("router.policy")


@dataclass(frozen=True, slots=True)
class PolicyGate:
    """Looks at operations.

    Attributes:
        authorization: who may have which fields.
        limits: how large documents may be.
        variables: how large variables may be.
        demand: what operations may cost.
    """

    authorization: Authorization
    limits: LimitSettings
    variables: VariableLimits | None
    demand: DemandControl | None

    def study(self, document: Document, name: str | None) -> Study | None:
        """Look at an operation; None if nothing about it will ever matter.

        Raises:
            LimitError: it is too large.
        """
        self._insist_on_size(document, name)
        access = self.authorization.of(document, name)
        takes_variables = bool(document.operation(name).variable_definitions)
        variables = self.variables if takes_variables else None
        demand = None if self.demand is None else self.demand.of(document, name)
        if access is None and variables is None and demand is None:
            return None
        return OperationStudy(document, access, variables, demand, self.limits.warn_only)

    def _insist_on_size(self, document: Document, name: str | None) -> None:
        for each in excesses(measure(document, name), self.limits):
            if not self.limits.warn_only:
                raise LimitError(each)
            _LOG.warning("an operation is too large", operation=name, code=each.code, found=each.found, max=each.bound)


@dataclass(frozen=True, slots=True)
class OperationStudy:
    """What the gate knows of one operation."""

    document: Document
    access: OperationAccess | None
    variables: VariableLimits | None
    demand: OperationDemand | None
    warn_only: bool

    def share(self, request: GraphQLRequest, variables: Mapping[str, Any], context: RequestContext) -> Hashable | None:
        """Return which share of the operation a request gets, if that can be told at once."""
        self._insist_on_variables(request)
        return ALL if self.access is None else self.access.known_share(_caller(context), variables)

    async def ask(self, request: GraphQLRequest, variables: Mapping[str, Any], context: RequestContext) -> Hashable:
        """Return which share of the operation a request gets."""
        self._insist_on_variables(request)
        return ALL if self.access is None else await self.access.share(_caller(context), variables)

    def part(self, share: Hashable, conditions: Mapping[str, bool]) -> Part:
        """Return what a share consists of."""
        if self.access is None or not isinstance(share, int):
            return Part(self.document.node)
        return self.access.part(share, conditions)

    def learn(self, program: Program) -> None:
        """Work out what a plan costs."""
        if self.demand is not None:
            self.demand.learn(program)

    def check(
        self, program: Program, variables: Mapping[str, Any], request: GraphQLRequest, context: RequestContext
    ) -> Passage:
        """Look at what would be fetched."""
        if self.access is not None and program.is_partial:
            self.access.check(program)
        if self.demand is None:
            return OPEN
        client = request.client if isinstance(request, StoredRequest) else _caller(context).client
        return self.demand.check(program, variables, request, client)

    def _insist_on_variables(self, request: GraphQLRequest) -> None:
        excess = None if self.variables is None else self.variables.excess(request.variables or {})
        if excess is None:
            return
        if not self.warn_only:
            raise LimitError(excess)
        _LOG.warning("variables are too large", code=excess.code, found=excess.found, max=excess.bound)


def _caller(context: RequestContext) -> Identity:
    return context.value if isinstance(context.value, Identity) else ANONYMOUS


def policy_gate(supergraph: Supergraph, settings: RouterSettings) -> PolicyGate | None:
    """Return the gate that the settings and the supergraph ask for; None if they ask for nothing.

    Raises:
        ConfigError: the function that decides on policies cannot be loaded.
    """
    chosen, limits = settings.authorization, settings.limits
    rules = access_rules(supergraph) if chosen.enabled else None
    variables = variable_limits(limits)
    demand = demand_control(supergraph, settings.demand_control, budgets=settings.persisted_operations.path is not None)
    if rules is None and not chosen.require_authentication and not limits.bounds and not variables and not demand:
        return None
    return PolicyGate(Authorization(chosen, rules, policy_decider(chosen.policies)), limits, variables, demand)
