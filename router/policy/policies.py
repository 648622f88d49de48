"""`@policy`: Python functions that decide, one call for all policies of an operation.

    async def decide(question: Question) -> Iterable[str]:
        return {name for name in question.policies if await allows(question.caller.id, name)}

A function sees only what tells one request from another where answers are shared, so that nobody gets what was decided
for somebody else. One that fails, or takes too long, has allowed nothing.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import structlog

from router.config import ConfigError
from router.policy.identity import Identity
from router.policy.settings import PolicySettings

_LOG: Final = structlog.get_logger("router.policy")
_REMEMBERED: Final = 10_000


class Question:
    """What a policy function is asked.

    Args:
        policies: the names of all policies that the operation mentions.
        caller: who asks.
        operation: the name of the operation, if it has one.
        variables: its variables.

    Attributes:
        looked: whether the function has looked at the variables; if it has not, its answer holds for others too.
    """

    __slots__ = ("_variables", "caller", "looked", "operation", "policies")

    def __init__(
        self, policies: frozenset[str], caller: Identity, operation: str | None, variables: Mapping[str, Any]
    ) -> None:
        self.policies = policies
        self.caller = caller
        self.operation = operation
        self.looked = False
        self._variables = variables

    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables of the operation."""
        self.looked = True
        return self._variables

    @property
    def key(self) -> Hashable:
        """What two questions have in common that differ in nothing but variables."""
        return self.caller.facts, self.policies, self.operation

    @property
    def whole_key(self) -> Hashable:
        """What two questions have in common that do not differ."""
        return self.key, repr(self._variables)


Decide: TypeAlias = Callable[[Question], Awaitable[Iterable[str]]]
"""Returns the policies that hold."""


class PolicyDecider:
    """Asks a policy function.

    Args:
        decide: the function.
        timeout: seconds that it may take.
        remember: seconds for which its answers are used again.
        clock: tells the time in seconds.
    """

    def __init__(
        self,
        decide: Decide,
        *,
        timeout: float = 2.0,
        remember: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._decide = decide
        self._timeout = timeout
        self._remember = remember
        self._clock = clock
        self._answers: OrderedDict[Hashable, tuple[float, frozenset[str]]] = OrderedDict()

    def known(self, question: Question) -> frozenset[str] | None:
        """Return what was answered to an equal question not long ago."""
        if not self._remember:
            return None
        answer = self._answers.get(question.key) or self._answers.get(question.whole_key)
        return None if answer is None or answer[0] <= self._clock() else answer[1]

    async def ask(self, question: Question) -> frozenset[str]:
        """Return the policies that hold, of those that were asked about."""
        known = self.known(question)
        if known is not None:
            return known
        try:
            async with asyncio.timeout(self._timeout):
                held = frozenset(await self._decide(question)) & question.policies
        except Exception:
            _LOG.exception("a policy function failed; none of its policies holds", policies=sorted(question.policies))
            return frozenset()
        if self._remember:
            self._keep(question.whole_key if question.looked else question.key, held)
        return held

    def _keep(self, key: Hashable, held: frozenset[str]) -> None:
        self._answers[key] = (self._clock() + self._remember, held)
        self._answers.move_to_end(key)
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)


def policy_decider(settings: PolicySettings | None) -> PolicyDecider | None:
    """Return what asks the function of the settings.

    Raises:
        ConfigError: there is no such function.
    """
    if settings is None:
        return None
    return PolicyDecider(load_function(settings.function), timeout=settings.timeout, remember=settings.remember)


def load_function(location: str) -> Callable[..., Any]:
    """Return the function at `package.module:name` or `path/to/file.py:name`.

    Raises:
        ConfigError: there is none.
    """
    place, _, name = location.rpartition(":")
    try:
        module = _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
        found = getattr(module, name)
    except Exception as error:
        raise ConfigError(f"the function {location} cannot be loaded: {error}") from error
    if not callable(found):
        raise ConfigError(f"{location} is no function")
    return found


def _load_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"storegraph_policy_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
