"""What is seen of planning: how long it takes, and the span of the request that waited for it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog

from router.execution.assembly import Assembling
from router.execution.compiler import Program
from router.execution.engine import MakeRun
from router.execution.exchange import RequestContext
from router.execution.run import Run
from router.execution.transports.port import Sender
from router.plugins.hooks import Plugin, overrides
from router.telemetry.sight import Sight

_LOG: Final = structlog.get_logger("router.planning")


class PlanningWatch:
    """Looks at the making of programs.

    Args:
        sight: where what is seen goes to.
        slow: seconds from which on an operation is written down; None, and none is.
        plugins: are shown each plan.
    """

    def __init__(self, sight: Sight, slow: float | None, plugins: Sequence[Plugin] = ()) -> None:
        self._sight = sight
        self._slow = slow
        self._plugins = [each for each in plugins if overrides(each, "plan")]
        self._new: WeakKeyDictionary[Program, tuple[int, int]] = WeakKeyDictionary()

    def compiled(self, program: Program, operation: str | None, seconds: float) -> None:
        """Take note of a program that was just made; this is called from the thread that made it."""
        for plugin in self._plugins:
            plugin.plan(program.plan, operation)
        if self._slow is not None and seconds >= self._slow:
            _LOG.warning("slow plan", operation=operation, seconds=round(seconds, 3), fetches=len(program.operations))
        if self._sight.metrics is not None:
            self._sight.metrics.planned(seconds)
        if self._sight.tracing is not None:
            end = time.time_ns()
            self._new[program] = (end - int(seconds * 1e9), end)

    def showing(self, make_run: MakeRun) -> MakeRun:
        """Return what makes runs and puts a span for planning before the first run of a program."""
        tracing, new = self._sight.tracing, self._new
        if tracing is None:
            return make_run

        def make(  # noqa: PLR0917 - it takes the place of `Run`
            program: Program,
            assembly: Assembling,
            variables: Mapping[str, Any],
            context: RequestContext,
            senders: Mapping[str, Sender],
            timeout: float,
        ) -> Run:
            if new and (times := new.pop(program, None)) is not None:
                parent = dict(context.trace).get("traceparent")
                tracing.begin("plan", parent, "internal", {}, begun_ns=times[0]).end(times[1])
            return make_run(program, assembly, variables, context, senders, timeout)

        return make
