"""Settings of what the router tells about itself: logs, metrics, traces."""

from __future__ import annotations

from typing import Literal

import msgspec

from router.sections import Section, demand


class MetricsSettings(Section, frozen=True):
    """Metrics for Prometheus.

    Attributes:
        path: under which they are served.
        port: a port of their own, which only operators need to reach; by default they are served beside GraphQL.
        host: address of that port.
        buckets: upper bounds, in seconds, by which durations are counted.
    """

    path: str = "/metrics"
    port: int | None = None
    host: str = "127.0.0.1"
    buckets: tuple[float, ...] = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(self.path.startswith("/"), "path must begin with /")
        demand(list(self.buckets) == sorted(self.buckets) and bool(self.buckets), "buckets must rise")


class TracesSettings(Section, frozen=True):
    """Traces, sent by the OpenTelemetry protocol over HTTP.

    Attributes:
        endpoint: where they are sent to, such as `http://localhost:4318/v1/traces`.
        sample: share of requests that are traced, of those whose client does not say.
        headers: sent along, such as a key of the service that keeps them.
        service: the name under which the router appears.
    """

    endpoint: str
    sample: float = 1.0
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    service: str = "storegraph-router"

    def __post_init__(self) -> None:
        """Hold the values within what makes sense."""
        demand(0 <= self.sample <= 1, "sample must be between 0 and 1")


class ErrorSettings(Section, frozen=True):
    """Errors of subgraphs.

    Attributes:
        redact: whether those that were not written for clients are told by an id, under which the log has the original;
            by default they are in production.
    """

    redact: bool | None = None


class TelemetrySettings(Section, frozen=True):
    """What is written about requests.

    Attributes:
        log_format: `json` for machines, `console` for people, `auto` for what fits the terminal.
        log_level: the least that is written.
        access_log: a line for `all` requests, for those that end in `failures`, or for `none`.
        slow_plan: seconds; operations that take longer to plan and compile are written down.
        metrics: figures for Prometheus.
        traces: where requests spend their time.
    """

    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log: Literal["none", "failures", "all"] = "failures"
    slow_plan: float | None = 1.0
    metrics: MetricsSettings | None = None
    traces: TracesSettings | None = None
