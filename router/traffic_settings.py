"""Settings of the traffic to subgraphs: what is done when they are slow, busy or broken.

Everything here is off unless its section is given; what is off is not even in the way of a request.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from router.sections import Section, demand

Failure = Literal["unreachable", "timeout", "status", "malformed"]
"""How a request to a subgraph can fail: no connection or a broken one, no answer in time, an HTTP status that tells of
failure, an answer that is none."""


class RetrySettings(Section, frozen=True):
    """Asking again. Queries are sent again, mutations only if the connection was refused before anything was sent.

    Attributes:
        attempts: how often one request is sent at most.
        on: failures after which it is sent again.
        statuses: HTTP statuses that count as failures.
        share: how many retries there may be to each request, on the average: more would bury a subgraph that is down.
        reserve: retries that may be spent beyond that share in one go.
        base: seconds before the first retry at most; each further one may wait twice as long. How long it is, is drawn
            at random between nothing and that ("full jitter").
        longest: seconds that a retry waits at most.
    """

    attempts: int = 3
    on: tuple[Failure, ...] = ("unreachable", "status")
    statuses: tuple[int, ...] = (502, 503, 504)
    share: float = 0.1
    reserve: float = 10.0
    base: float = 0.05
    longest: float = 2.0

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(1 <= self.attempts <= 10, "attempts must be between 1 and 10")
        demand(0 <= self.share <= 1, "share must be between 0 and 1")
        demand(0 < self.base <= self.longest, "base must be more than 0 and at most longest")


class BreakerSettings(Section, frozen=True):
    """A circuit breaker: a subgraph that fails is left alone for a while, and then tried with one request.

    Attributes:
        failures: consecutive failures that open the circuit.
        open_for: seconds until one request may try whether the subgraph is back.
        on: what counts as a failure.
        statuses: HTTP statuses that count as failures.
        slow_call: seconds from which on an answer counts as a failure; by default none is too slow.
        share: opens the circuit too when this share of the last `window` requests failed; by default it does not.
        window: how many requests that share is taken of.
    """

    failures: int = 5
    open_for: float = 60.0
    on: tuple[Failure, ...] = ("unreachable", "timeout", "status", "malformed")
    statuses: tuple[int, ...] = (500, 502, 503, 504)
    slow_call: float | None = None
    share: float | None = None
    window: int = 20

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.failures >= 1, "failures must be at least 1")
        demand(self.open_for > 0, "open_for must be more than 0")
        demand(self.share is None or 0 < self.share <= 1, "share must be more than 0 and at most 1")
        demand(self.window >= 2, "window must be at least 2")


class ConcurrencySettings(Section, frozen=True):
    """How much one subgraph gets to do at a time; what is beyond that waits, and what cannot wait is refused.

    Attributes:
        limit: requests under way.
        queue: requests that wait.
        wait: seconds that one waits at most.
    """

    limit: int = 100
    queue: int = 100
    wait: float = 1.0

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.limit >= 1, "limit must be at least 1")
        demand(self.queue >= 0, "queue must not be negative")
        demand(self.wait > 0, "wait must be more than 0")


class HedgeSettings(Section, frozen=True):
    """A second request for a query that takes long; the first answer counts, and the other request is given up.

    Attributes:
        after: seconds without an answer.
        share: how many second requests there may be to each first one, on the average.
    """

    after: float = 0.2
    share: float = 0.05

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.after > 0, "after must be more than 0")
        demand(0 < self.share <= 1, "share must be more than 0 and at most 1")


class TrafficSettings(Section, frozen=True):
    """What is done when subgraphs are slow, busy or broken.

    Attributes:
        timeout: seconds that one request may take, retries included; by default `subgraph_timeout`.
        retry: asking again.
        breaker: leaving alone what fails.
        concurrency: how much there may be at a time.
        hedge: asking twice.
        deadline_header: header that tells a subgraph in how many milliseconds its answer is worth nothing any more.
    """

    timeout: float | None = None
    retry: RetrySettings | None = None
    breaker: BreakerSettings | None = None
    concurrency: ConcurrencySettings | None = None
    hedge: HedgeSettings | None = None
    deadline_header: str | None = None

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.timeout is None or self.timeout > 0, "timeout must be more than 0")


class AllTrafficSettings(TrafficSettings, frozen=True):
    """Traffic to all subgraphs; `subgraphs.<name>.traffic` takes its place as a whole for one of them.

    Attributes:
        operations: seconds that an operation may take, by its name; its subgraphs get what is left of them.
        response_bytes: a larger answer of a subgraph is refused.
        connections: connections to one address at a time.
    """

    operations: dict[str, float] = msgspec.field(default_factory=dict)
    response_bytes: int = 64 * 1024 * 1024
    connections: int = 256

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        super().__post_init__()
        demand(all(seconds > 0 for seconds in self.operations.values()), "operations must get more than 0 seconds")
        demand(self.response_bytes >= 1_024, "response_bytes must be at least 1024")
        demand(self.connections >= 1, "connections must be at least 1")
