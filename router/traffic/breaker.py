"""Circuit breakers: a subgraph that fails is left alone, and found again with one request.

    CLOSED --(failures in a row, or too large a share)--> OPEN --(time)--> HALF_OPEN --(its probe succeeds)--> CLOSED
                                                            ^------(it fails)------'

While the circuit is open, requests are refused at once. That spares the subgraph, and clients the waiting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from typing_extensions import override

from router.execution.errors import CircuitOpenError
from router.execution.transports.port import CallingTransport, Sender, SubgraphRequest, SubgraphResponse
from router.traffic.calls import Call, Done
from router.traffic.outcomes import failure_of
from router.traffic.watching import State, TrafficWatcher
from router.traffic_settings import BreakerSettings

Clock: TypeAlias = Callable[[], float]


class Breaker:
    """The circuit to one place.

    Args:
        settings: when it opens, and for how long.
        now: the time in seconds.
        turned: hears of each change of state.
    """

    def __init__(self, settings: BreakerSettings, now: Clock, turned: Callable[[State], None]) -> None:
        self.settings = settings
        self.now = now
        self.state: State = "closed"
        self._turned = turned
        self._in_a_row = 0
        self._latest: deque[bool] = deque(maxlen=settings.window)
        self._until = 0.0
        self._probing = False

    @property
    def ready(self) -> bool:
        """Whether a request would be let through now."""
        return self.state == "closed" or (not self._probing and self.now() >= self._until)

    def admit(self) -> bool:
        """Let a request through, or not; of those that are, each must be followed by `record` or `release`."""
        if self.state == "closed":
            return True
        if not self.ready:
            return False
        self._probing = True
        if self.state == "open":
            self._turn("half_open")
        return True

    def release(self) -> None:
        """Take note that a request was given up, so that it tells nothing."""
        self._probing = False

    def record(self, *, failed: bool) -> None:
        """Take note of what came of a request."""
        if self.state == "open":
            return  # it was sent before the circuit opened
        if self.state == "half_open":
            self._probing = False
            self._open() if failed else self._close()
            return
        self._in_a_row = self._in_a_row + 1 if failed else 0
        if self.settings.share is not None:
            self._latest.append(failed)
        if failed and self._is_too_much(self.settings.share):
            self._open()

    def _is_too_much(self, share: float | None) -> bool:
        if self._in_a_row >= self.settings.failures:
            return True
        latest = self._latest
        return share is not None and len(latest) == latest.maxlen and sum(latest) >= share * len(latest)

    def _open(self) -> None:
        self._until = self.now() + self.settings.open_for
        self._turn("open")

    def _close(self) -> None:
        self._in_a_row = 0
        self._latest.clear()
        self._turn("closed")

    def _turn(self, state: State) -> None:
        self.state = state
        self._turned(state)


class BreakingTransport(CallingTransport):
    """Sends nothing while a subgraph's circuit is open."""

    def __init__(self, send: Sender, subgraph: str, breaker: Breaker, watcher: TrafficWatcher) -> None:
        self._send = send
        self._subgraph = subgraph
        self._breaker = breaker
        self._watcher = watcher
        watcher.breaker_turned(subgraph, breaker.state)

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request, or refuse it at once."""
        if not self._breaker.admit():
            self._watcher.refused(self._subgraph, "circuit_open")
            raise CircuitOpenError("it has failed lately and is not asked for now")
        return Measured(self._send, request, done, self._breaker)


class Measured:
    """A request whose outcome a breaker is told."""

    __slots__ = ("_begun", "_breaker", "_call", "_done")

    def __init__(self, send: Sender, request: SubgraphRequest, done: Done[SubgraphResponse], breaker: Breaker) -> None:
        self._breaker = breaker
        self._begun = breaker.now()
        self._done: Done[SubgraphResponse] | None = done
        try:
            self._call = send(request, self._land)
        except Exception as error:
            self._note(error)
            raise

    def cancel(self) -> None:
        """Give it up."""
        if self._done is not None:
            self._done = None
            self._breaker.release()
            self._call.cancel()

    def _land(self, result: SubgraphResponse | BaseException) -> None:
        self._note(result)
        done, self._done = self._done, None
        if done is not None:
            done(result)

    def _note(self, result: SubgraphResponse | BaseException) -> None:
        settings = self._breaker.settings
        failed = failure_of(result, settings.statuses) in settings.on
        if settings.slow_call is not None and self._breaker.now() - self._begun >= settings.slow_call:
            failed = True
        self._breaker.record(failed=failed)
