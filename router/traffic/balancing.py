"""Several addresses of one subgraph: requests go where the least is to do, and not where it fails.

Of two addresses drawn at random the one that is less busy gets the request ("power of two choices"): busy is how many
requests it has under way, weighed by how long it took lately. An address that fails repeatedly is left out for some
seconds and then tried with one request, by a breaker of its own; if all are left out, all are tried.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from typing_extensions import override

from router.execution.transports.port import CallingTransport, Sender, SubgraphRequest, SubgraphResponse
from router.traffic.breaker import Breaker, Clock, Measured
from router.traffic.calls import Call, Done
from router.traffic.watching import State
from router.traffic_settings import BreakerSettings

HEALTH = BreakerSettings(failures=3, open_for=5.0)
"""When an address is left out, and for how long."""
_MEMORY = 0.8
"""How much of what was known of an address's speed counts against one more answer."""


class BalancingTransport(CallingTransport):
    """Spreads requests over the addresses of one subgraph."""

    def __init__(self, senders: Sequence[Sender], now: Clock, health: BreakerSettings = HEALTH) -> None:
        self._places = [_Place(send, Breaker(health, now, _pass_over)) for send in senders]

    @override
    def begin(self, request: SubgraphRequest, done: Done[SubgraphResponse]) -> Call:
        """Send a request to one of the addresses."""
        return _Visit(self._choose(), request, done)

    def _choose(self) -> _Place:
        places = [each for each in self._places if each.breaker.ready] or self._places
        if len(places) == 1:
            return places[0]
        one, other = random.sample(places, 2)
        return one if one.burden <= other.burden else other


class _Place:
    """One address: the way there and what is known of it."""

    __slots__ = ("breaker", "seconds", "send", "under_way")

    def __init__(self, send: Sender, breaker: Breaker) -> None:
        self.send = send
        self.breaker = breaker
        self.seconds = 0.0
        self.under_way = 0

    @property
    def burden(self) -> float:
        """How long a request would take here, by what is known."""
        return (self.under_way + 1) * (self.seconds + 0.0001)


class _Visit:
    """A request at one of the addresses."""

    __slots__ = ("_begun", "_call", "_done", "_place")

    def __init__(self, place: _Place, request: SubgraphRequest, done: Done[SubgraphResponse]) -> None:
        place.breaker.admit()
        self._place = place
        self._done = done
        self._begun = place.breaker.now()
        self._call = Measured(place.send, request, self._land, place.breaker)
        place.under_way += 1

    def cancel(self) -> None:
        """Give it up."""
        self._place.under_way -= 1
        self._call.cancel()

    def _land(self, result: SubgraphResponse | BaseException) -> None:
        place = self._place
        place.under_way -= 1
        took = place.breaker.now() - self._begun
        place.seconds = took if not place.seconds else place.seconds * _MEMORY + took * (1 - _MEMORY)
        self._done(result)


def _pass_over(_state: State) -> None:
    """Take no note of one address: what operators watch is the subgraph."""
