"""Faults that strike a chosen call between subgraphs, once, at an exact moment."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from typing_extensions import override

from kernel.calls import DEFAULT_DEADLINE, CallTimeoutError, InProcessCalls, SubgraphCalls
from kernel.database import Database

_inside: ContextVar[bool] = ContextVar("inside_the_struck_call", default=False)


@dataclass(slots=True)
class Fault:
    """What happens to the first call of `operation`: one of the kinds in `KINDS`, or nothing when it is spent."""

    operation: str
    kind: str
    armed: bool = False

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read `operation:kind`; an empty text never strikes."""
        operation, _, kind = text.partition(":")
        return cls(operation, kind)

    def strikes(self, document: str) -> bool:
        """Whether this call is the one; it is so only once."""
        if not self.armed or not self.operation or f"{self.operation}(" not in document:
            return False
        self.armed = False
        print('{"event": "struck"}', flush=True)
        return True


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


async def wait_for_the_other_side() -> None:
    """Tell whoever watches that the moment has come, and go on when they have done their part."""
    print('{"event": "moment"}', flush=True)
    await asyncio.to_thread(sys.stdin.readline)


class DisturbedCalls(SubgraphCalls):
    """Calls in this process, one of which is struck."""

    def __init__(self, inner: InProcessCalls, fault: Fault) -> None:
        self._inner = inner
        self._fault = fault

    @override
    async def execute(
        self,
        subgraph: str,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        deadline: float = DEFAULT_DEADLINE,
    ) -> dict[str, Any]:
        async def call() -> dict[str, Any]:
            return await self._inner.execute(subgraph, document, variables, deadline=deadline)

        if not self._fault.strikes(document):
            return await call()
        return await KINDS[self._fault.kind](call, subgraph)


Call = Callable[[], Awaitable[dict[str, Any]]]


async def _kill_before(_call: Call, _subgraph: str) -> dict[str, Any]:
    die()
    raise AssertionError


async def _kill_during(call: Call, _subgraph: str) -> dict[str, Any]:
    """Die in the transaction on the other side: see `die_in_the_struck_call`."""
    token = _inside.set(True)
    try:
        return await call()
    finally:
        _inside.reset(token)


async def _kill_after(call: Call, _subgraph: str) -> dict[str, Any]:
    await call()
    die()
    raise AssertionError


async def _request_lost(_call: Call, subgraph: str) -> dict[str, Any]:
    raise CallTimeoutError(subgraph, DEFAULT_DEADLINE)


async def _answer_lost(call: Call, subgraph: str) -> dict[str, Any]:
    await call()
    raise CallTimeoutError(subgraph, DEFAULT_DEADLINE)


async def _made_twice(call: Call, _subgraph: str) -> dict[str, Any]:
    await call()
    return await call()


async def _made_twice_at_once(call: Call, _subgraph: str) -> dict[str, Any]:
    first, second = await asyncio.gather(call(), call())
    assert first == second, (first, second)
    return first


async def _pause_before(call: Call, _subgraph: str) -> dict[str, Any]:
    await wait_for_the_other_side()
    return await call()


async def _pause_after(call: Call, _subgraph: str) -> dict[str, Any]:
    answer = await call()
    await wait_for_the_other_side()
    return answer


KINDS: dict[str, Callable[[Call, str], Awaitable[dict[str, Any]]]] = {
    "kill-before": _kill_before,
    "kill-during-1": _kill_during,
    "kill-during-2": _kill_during,
    "kill-after": _kill_after,
    "request-lost": _request_lost,
    "answer-lost": _answer_lost,
    "made-twice": _made_twice,
    "made-twice-at-once": _made_twice_at_once,
    "pause-before": _pause_before,
    "pause-after": _pause_after,
}


def die_in_the_struck_call(databases: list[Database], fault: Fault) -> None:
    """Let the process die right after the n-th statement of the struck call, its transaction still open."""
    if not fault.kind.startswith("kill-during-"):
        return
    left = [int(fault.kind.rpartition("-")[2])]

    def count(*_: Any) -> None:
        if _inside.get():
            left[0] -= 1
            if not left[0]:
                die()

    for database in databases:
        event.listen(database.engine.sync_engine, "after_cursor_execute", count)
