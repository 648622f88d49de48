"""Operations that must be answered within a time of their own: what their subgraphs get is what is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from graphql import OperationDefinitionNode
from typing_extensions import override

from router.execution.assembly import Assembling
from router.execution.compiler import Program
from router.execution.exchange import RequestContext
from router.execution.run import Run
from router.execution.transports.port import Sender
from router.planner.plan import Fetch

_LEAST = 0.001


class Deadlines:
    """Knows which programs have a time of their own.

    Args:
        seconds: that operations may take, by their names.
    """

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self._seconds = seconds
        self._programs: WeakKeyDictionary[Program, float] = WeakKeyDictionary()

    def learn(self, program: Program, operation: OperationDefinitionNode) -> None:
        """Take note of the program of an operation."""
        seconds = self._seconds.get(operation.name.value if operation.name else "")
        if seconds is not None:
            self._programs[program] = seconds

    def make_run(  # noqa: PLR0917 - it takes the place of `Run`
        self,
        program: Program,
        assembly: Assembling,
        variables: Mapping[str, Any],
        context: RequestContext,
        senders: Mapping[str, Sender],
        timeout: float,
    ) -> Run:
        """Return the run of a program."""
        seconds = self._programs.get(program)
        if seconds is None:
            return Run(program, assembly, variables, context, senders, timeout)
        run = _RunUntil(program, assembly, variables, context, senders, timeout)
        run.end_within(seconds)
        return run


class _RunUntil(Run):
    """A run whose requests have no more time than is left for all of it."""

    __slots__ = ("_deadline", "_longest")

    def end_within(self, seconds: float) -> None:
        """Let the time begin."""
        self._longest = self._timeout
        self._deadline = asyncio.get_running_loop().time() + seconds

    @override
    def _launch(self, fetch: Fetch) -> None:
        left = self._deadline - asyncio.get_running_loop().time()
        self._timeout = max(min(self._longest, left), _LEAST)
        super()._launch(fetch)
