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
from router.execution.compiler.program import Withheld
from router.execution.documents import Document
from router.execution.exchange import GraphQLRequest, RequestContext
from router.execution.gate import ALL, Part, Study, Weigh
from router.policy.access import AccessRules, access_rules
from router.policy.errors import UnauthenticatedError, UnauthorizedError, unauthorized
from router.policy.filtering import AccessStudy, Place, study_access
from router.policy.identity import ANONYMOUS, Identity
from router.policy.policies import PolicyDecider, Question, policy_decider
from router.policy.settings import AuthorizationSettings
from router.supergraph import Supergraph

_LOG: Final = structlog.get_logger("router.policy")
_NO_POLICIES: Final = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Authorization:
    """How authorisation works in one router.

    Attributes:
        settings: what becomes of those who ask for too much.
        rules: what the supergraph demands; None if nothing.
        decider: decides on policies.
    """

    settings: AuthorizationSettings
    rules: AccessRules | None
    decider: PolicyDecider | None


@dataclass(frozen=True, slots=True)
class PolicyGate:
    """Looks at operations."""

    authorization: Authorization

    def study(self, document: Document, name: str | None) -> Study | None:
        """Look at an operation; None if nothing about it will ever matter."""
        rules = self.authorization.rules
        access = None if rules is None else study_access(rules, document, name)
        if access is None and not self.authorization.settings.require_authentication:
            return None
        return OperationStudy(self.authorization, access, document, name)


@dataclass(frozen=True, slots=True)
class OperationStudy:
    """What the gate knows of one operation."""

    authorization: Authorization
    access: AccessStudy | None
    document: Document
    name: str | None

    def share(self, request: GraphQLRequest, variables: Mapping[str, Any], context: RequestContext) -> Hashable | None:
        """Return which share of the operation a request gets, if that can be told at once."""
        caller = self._caller(context)
        access = self.access
        if access is None:
            return ALL
        policies = _NO_POLICIES
        if access.policies and self.authorization.decider is not None:
            known = self.authorization.decider.known(self._question(access, caller, variables))
            if known is None:
                return None
            policies = known
        return self._share(access, caller, policies)

    async def ask(self, request: GraphQLRequest, variables: Mapping[str, Any], context: RequestContext) -> Hashable:
        """Return which share of the operation a request gets."""
        caller = self._caller(context)
        access = self.access
        if access is None:
            return ALL
        policies = _NO_POLICIES
        if access.policies and self.authorization.decider is not None:
            policies = await self.authorization.decider.ask(self._question(access, caller, variables))
        return self._share(access, caller, policies)

    def part(self, share: Hashable, conditions: Mapping[str, bool]) -> Part:
        """Return what a share consists of."""
        if self.access is None or not isinstance(share, int) or share == ALL:
            return Part(self.document.node)
        rest = self.access.rest(share, conditions)
        settings = self.authorization.settings
        if settings.dry_run:
            return Part(self.document.node, self._withheld(rest.paths))
        return Part(rest.document, self._withheld(rest.paths))

    def check(
        self, program: Program, variables: Mapping[str, Any], request: GraphQLRequest, context: RequestContext
    ) -> Weigh | None:
        """Look at what would be fetched."""
        withheld = program.withheld
        if not withheld.paths:
            return None
        settings = self.authorization.settings
        if settings.errors.log:
            paths = [".".join(each) for each in withheld.paths]
            _LOG.info("unauthorized", operation=self.name, paths=paths, dry_run=settings.dry_run)
        nothing_left = program.plan.kind == "subscription" and not program.starts
        if settings.reject or nothing_left:
            raise UnauthorizedError(withheld.paths if settings.errors.response != "disabled" else ())
        return None

    def _caller(self, context: RequestContext) -> Identity:
        """Return who asks.

        Raises:
            UnauthenticatedError: nobody knows, and somebody must.
        """
        caller = context.value if isinstance(context.value, Identity) else ANONYMOUS
        if caller.id is None and self.authorization.settings.require_authentication:
            raise UnauthenticatedError
        return caller

    def _question(self, access: AccessStudy, caller: Identity, variables: Mapping[str, Any]) -> Question:
        return Question(access.policies, caller, self.name, variables)

    def _share(self, access: AccessStudy, caller: Identity, policies: frozenset[str]) -> int:
        return access.unmet(known=caller.id is not None, scopes=caller.scopes, policies=policies)

    def _withheld(self, paths: tuple[Place, ...]) -> Withheld:
        told = self.authorization.settings.errors.response
        errors = unauthorized(paths)
        if told == "extensions" and errors:
            return Withheld(paths=paths, extensions={"authorizationErrors": list(errors)})
        return Withheld(paths=paths, errors=errors if told == "errors" else ())


def policy_gate(supergraph: Supergraph, settings: RouterSettings) -> PolicyGate | None:
    """Return the gate that the settings and the supergraph ask for; None if they ask for nothing.

    Raises:
        ConfigError: the function that decides on policies cannot be loaded.
    """
    chosen = settings.authorization
    rules = access_rules(supergraph) if chosen.enabled else None
    if rules is None and not chosen.require_authentication:
        return None
    return PolicyGate(Authorization(chosen, rules, policy_decider(chosen.policies)))
