"""Who gets which share of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from router.execution.compiler import Program
from router.execution.compiler.program import Withheld
from router.execution.documents import Document
from router.execution.gate import ALL, Part
from router.policy.access import AccessRules
from router.policy.errors import UnauthenticatedError, UnauthorizedError, unauthorized
from router.policy.filtering import AccessStudy, Place, study_access
from router.policy.identity import Identity
from router.policy.policies import PolicyDecider, Question
from router.policy.settings import AuthorizationSettings

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

    def of(self, document: Document, name: str | None) -> OperationAccess | None:
        """Look at an operation; None if everybody may have all of it."""
        study = None if self.rules is None else study_access(self.rules, document, name)
        if study is None and not self.settings.require_authentication:
            return None
        return OperationAccess(self, document, name, study)


@dataclass(frozen=True, slots=True)
class OperationAccess:
    """Who gets which share of one operation; shares are numbers whose bits are the demands that are not met."""

    authorization: Authorization
    document: Document
    name: str | None
    study: AccessStudy | None

    def known_share(self, caller: Identity, variables: Mapping[str, Any]) -> int | None:
        """Return the share of a caller, if nobody must be asked.

        Raises:
            UnauthenticatedError: nobody knows the caller, and somebody must.
        """
        self._insist_on_caller(caller)
        if self.study is None:
            return ALL
        policies: frozenset[str] | None = _NO_POLICIES
        if self.study.policies and self.authorization.decider is not None:
            policies = self.authorization.decider.known(self._question(self.study, caller, variables))
        return None if policies is None else self._share(self.study, caller, policies)

    async def share(self, caller: Identity, variables: Mapping[str, Any]) -> int:
        """Return the share of a caller.

        Raises:
            UnauthenticatedError: nobody knows the caller, and somebody must.
        """
        self._insist_on_caller(caller)
        if self.study is None:
            return ALL
        policies = _NO_POLICIES
        if self.study.policies and self.authorization.decider is not None:
            policies = await self.authorization.decider.ask(self._question(self.study, caller, variables))
        return self._share(self.study, caller, policies)

    def part(self, share: int, conditions: Mapping[str, bool]) -> Part:
        """Return what a share consists of."""
        if self.study is None or share == ALL:
            return Part(self.document.node)
        rest = self.study.rest(share, conditions)
        withheld = self._withheld(rest.paths)
        return Part(self.document.node if self.authorization.settings.dry_run else rest.document, withheld)

    def check(self, program: Program) -> None:
        """Take note that something is withheld from somebody.

        Raises:
            UnauthorizedError: the operation is refused for that.
        """
        settings, paths = self.authorization.settings, program.withheld.paths
        if settings.errors.log:
            told = [".".join(each) for each in paths]
            _LOG.info("unauthorized", operation=self.name, paths=told, dry_run=settings.dry_run)
        nothing_left = program.plan.kind == "subscription" and not program.starts
        if settings.reject or nothing_left:
            raise UnauthorizedError(paths if settings.errors.response != "disabled" else ())

    def _insist_on_caller(self, caller: Identity) -> None:
        if caller.id is None and self.authorization.settings.require_authentication:
            raise UnauthenticatedError

    def _question(self, study: AccessStudy, caller: Identity, variables: Mapping[str, Any]) -> Question:
        return Question(study.policies, caller, self.name, variables)

    def _share(self, study: AccessStudy, caller: Identity, policies: frozenset[str]) -> int:
        return study.unmet(known=caller.id is not None, scopes=caller.scopes, policies=policies)

    def _withheld(self, paths: tuple[Place, ...]) -> Withheld:
        told = self.authorization.settings.errors.response
        errors = unauthorized(paths)
        if told == "extensions" and errors:
            return Withheld(paths=paths, extensions={"authorizationErrors": list(errors)})
        return Withheld(paths=paths, errors=errors if told == "errors" else ())
