"""The way to one subgraph, put together from what the settings ask for; what they do not ask for is not in it.

From the client's side: the time that there is, retries, second requests, the circuit breaker, the bound on what is
under way, the deadline that is passed on, and the connections. So each attempt of a retry is told to the breaker and
counts as under way, and none is made while the circuit is open.
"""

from __future__ import annotations

import time

from router.execution.transports.port import SubgraphTransport, sender
from router.traffic.breaker import Breaker, BreakingTransport
from router.traffic.concurrency import LimitedTransport
from router.traffic.deadlines import DeadlineTransport, TimeoutTransport
from router.traffic.hedging import HedgingTransport
from router.traffic.retrying import RetryingTransport
from router.traffic.watching import Nobody, TrafficWatcher
from router.traffic_settings import TrafficSettings


def shaped(
    transport: SubgraphTransport, subgraph: str, settings: TrafficSettings, watcher: TrafficWatcher | None = None
) -> SubgraphTransport:
    """Return a transport with everything around it that the settings ask for."""
    watcher = watcher or Nobody()
    if settings.deadline_header is not None:
        transport = DeadlineTransport(sender(transport), settings.deadline_header)
    if settings.concurrency is not None:
        transport = LimitedTransport(sender(transport), subgraph, settings.concurrency, watcher)
    if settings.breaker is not None:
        tell = watcher.breaker_turned
        breaker = Breaker(settings.breaker, time.monotonic, lambda state: tell(subgraph, state))
        transport = BreakingTransport(sender(transport), subgraph, breaker, watcher)
    if settings.hedge is not None:
        transport = HedgingTransport(sender(transport), subgraph, settings.hedge, watcher)
    if settings.retry is not None:
        transport = RetryingTransport(sender(transport), subgraph, settings.retry, watcher)
    if settings.timeout is not None:
        transport = TimeoutTransport(sender(transport), settings.timeout)
    return transport
