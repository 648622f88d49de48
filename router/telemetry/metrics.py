"""Figures for Prometheus, under the names of OpenTelemetry's conventions where there are any.

They belong to the process, not to a generation: counters go on over reloads. Where several workers share the port, the
library keeps them in files of a common folder, so that any worker tells the figures of all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Final

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    start_http_server,
)
from prometheus_client.multiprocess import MultiProcessCollector

from router.telemetry.sight import SHARED_FOLDER
from router.telemetry_settings import MetricsSettings
from router.traffic.watching import Refusal, State

_LOG: Final = structlog.get_logger("router.telemetry")
_STATES: Final[tuple[State, ...]] = ("closed", "half_open", "open")


class Metrics:
    """What is counted and measured.

    Args:
        registry: where the figures are kept.
        buckets: upper bounds of durations in seconds.
    """

    def __init__(self, registry: CollectorRegistry, buckets: tuple[float, ...]) -> None:
        families: dict[str, tuple[str, ...]] = {}

        def counter(name: str, text: str, *labels: str) -> Counter:
            families[f"{name}_total"] = labels
            return Counter(name, text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str) -> Histogram:
            families.update({f"{name}_{series}": labels for series in ("bucket", "count", "sum")})
            return Histogram(name, text, labels, registry=registry, buckets=buckets)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            families[name] = labels
            return Gauge(name, text, labels, registry=registry, multiprocess_mode="livesum")

        self.registry = registry
        self.families: Mapping[str, tuple[str, ...]] = families
        """The labels of each series by its name, for dashboards and alerts that are generated from them."""
        self._requests = histogram(
            "http_server_request_duration_seconds",
            "Time to answer clients.",
            "http_request_method",
            "http_response_status_code",
        )
        self.active = gauge("http_server_active_requests", "Requests of clients that are being answered.")
        self._fetches = histogram(
            "http_client_request_duration_seconds",
            "Time that subgraphs took to answer.",
            "subgraph_name",
            "http_response_status_code",
            "error_type",
        )
        self._plans = histogram("router_query_planning_duration_seconds", "Time to plan and compile operations.")
        self._breakers = gauge(
            "router_circuit_breaker_state", "1 for the state that a breaker is in.", "subgraph_name", "state"
        )
        self._refused = counter("router_subgraph_requests_refused", "Requests not sent.", "subgraph_name", "reason")
        self._retries = counter("router_subgraph_retries", "Requests sent again.", "subgraph_name")
        self._hedges = counter("router_subgraph_hedges", "Requests sent twice.", "subgraph_name")
        self._lookups = counter("router_cache_lookups", "What was looked up.", "subgraph_name", "result")
        self._dropped = counter("router_cache_invalidated", "Entries that were invalidated.")

    def request_ended(self, method: str, status: int, seconds: float) -> None:
        """Count a client's request."""
        known = method if method in {"GET", "POST", "OPTIONS", "HEAD"} else "_OTHER"
        self._requests.labels(known, str(status)).observe(seconds)

    def fetch_ended(self, subgraph: str, status: int | None, error: str, seconds: float) -> None:
        """Count a request to a subgraph."""
        self._fetches.labels(subgraph, "" if status is None else str(status), error).observe(seconds)

    def planned(self, seconds: float) -> None:
        """Count an operation that was planned."""
        self._plans.observe(seconds)

    def looked_up(self, subgraph: str, hits: int, misses: int) -> None:
        """Count what the cache knew and did not know."""
        if hits:
            self._lookups.labels(subgraph, "hit").inc(hits)
        if misses:
            self._lookups.labels(subgraph, "miss").inc(misses)

    def invalidated(self, count: int) -> None:
        """Count entries that the cache was told to forget."""
        self._dropped.inc(count)

    # The watcher of the traffic ---------------------------------------------------------------------------------------

    def breaker_turned(self, subgraph: str, state: State) -> None:
        """Show the state of a circuit breaker."""
        for each in _STATES:
            self._breakers.labels(subgraph, each).set(each == state)

    def refused(self, subgraph: str, why: Refusal) -> None:
        """Count a request that was not sent."""
        self._refused.labels(subgraph, why).inc()

    def retried(self, subgraph: str) -> None:
        """Count a retry."""
        self._retries.labels(subgraph).inc()

    def hedged(self, subgraph: str) -> None:
        """Count a second request."""
        self._hedges.labels(subgraph).inc()

    def page(self) -> tuple[bytes, bytes]:
        """Return what Prometheus reads, and its media type."""
        return generate_latest(_collected(self.registry)), CONTENT_TYPE_LATEST.encode()


@cache
def process_metrics(buckets: tuple[float, ...]) -> Metrics:
    """Return the metrics of this process."""
    return Metrics(REGISTRY if SHARED_FOLDER not in os.environ else CollectorRegistry(), buckets)


@cache
def serve_metrics(settings: MetricsSettings) -> None:
    """Serve the metrics of this process, or of all workers, on a port of their own, if they are to have one.

    Of several workers one has the port, and one that is started later takes it when that one is gone.
    """
    if settings.port is None:
        return
    try:
        start_http_server(settings.port, settings.host, _collected(process_metrics(settings.buckets).registry))
    except OSError as error:
        if SHARED_FOLDER not in os.environ:
            _LOG.error("metrics are not served", port=settings.port, reason=error.strerror)


def _collected(registry: CollectorRegistry) -> CollectorRegistry:
    """Return the figures of all workers, where there are several."""
    if SHARED_FOLDER not in os.environ:
        return registry
    whole = CollectorRegistry()
    MultiProcessCollector(whole)
    return whole
