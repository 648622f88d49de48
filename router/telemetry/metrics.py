"""Figures for Prometheus, under the names of OpenTelemetry's conventions where there are any.

They belong to the process, not to a generation: counters go on over reloads. Where several workers share the port, the
library keeps them in files of a common folder, so that any worker tells the figures of all.
"""

from __future__ import annotations

import asyncio
import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

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
_METHODS: Final = frozenset({"GET", "POST", "OPTIONS", "HEAD"})
_MOST_CODES: Final = 200
_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}").fullmatch
_TELL_SECONDS: Final = 0.25
_STATES: Final[tuple[State, ...]] = ("closed", "half_open", "open")


class Durations(Histogram):
    """A histogram that takes many durations at once."""

    def add(self, counts: Sequence[int], total: float) -> None:
        """Add so many durations to each bucket, which took so long in all."""
        self._sum.inc(total)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class _Series:
    """Durations with the same labels that the library does not know of yet."""

    __slots__ = ("_figures", "counts", "total")

    def __init__(self, figures: Durations, buckets: int) -> None:
        self._figures = figures
        self.counts = [0] * buckets
        self.total = 0.0

    def hand_over(self) -> None:
        """Tell the library."""
        if any(self.counts):
            self._figures.add(self.counts, self.total)
            self.counts, self.total = [0] * len(self.counts), 0.0


class Metrics:
    """What is counted and measured.

    What every request counts is counted in plain numbers, which the library is told a few times a second and before it
    is read: its own are guarded by locks, or lie in files.

    Args:
        registry: where the figures are kept.
        buckets: upper bounds of durations in seconds.
    """

    def __init__(self, registry: CollectorRegistry, buckets: tuple[float, ...]) -> None:
        families: dict[str, tuple[str, ...]] = {}

        def counter(name: str, text: str, *labels: str) -> Counter:
            families[f"{name}_total"] = labels
            return Counter(name, text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str) -> Durations:
            families.update({f"{name}_{series}": labels for series in ("bucket", "count", "sum")})
            return Durations(name, text, labels, registry=registry, buckets=buckets)

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
        self._errors = counter("graphql_errors", "Errors that clients were told of, by their code.", "code")
        self._codes: set[str] = set()
        self._active = gauge("http_server_active_requests", "Requests of clients that are being answered.")
        self.active = 0
        """How many requests of clients are being answered."""
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
        self._bounds = tuple(buckets)
        self._ended: dict[tuple[str, int], _Series] = {}
        self._fetched: dict[tuple[str, int | None, str], _Series] = {}
        self._looked_up: dict[tuple[str, str], int] = {}
        self._is_due = False

    def request_ended(self, method: str, status: int, seconds: float) -> None:
        """Count a client's request."""
        series = self._ended.get((method, status))
        if series is None:
            known = method if method in _METHODS else "_OTHER"
            series = self._ended.get((known, status)) or self._series(self._requests, known, str(status))
            self._ended[known, status] = series
        series.counts[bisect_left(self._bounds, seconds)] += 1
        series.total += seconds
        if not self._is_due:
            self._be_due()

    def fetch_ended(self, subgraph: str, status: int | None, error: str, seconds: float) -> None:
        """Count a request to a subgraph."""
        series = self._fetched.get((subgraph, status, error))
        if series is None:
            told = "" if status is None else str(status)
            series = self._fetched[subgraph, status, error] = self._series(self._fetches, subgraph, told, error)
        series.counts[bisect_left(self._bounds, seconds)] += 1
        series.total += seconds
        if not self._is_due:
            self._be_due()

    def errors_told(self, errors: Iterable[Mapping[str, Any]]) -> None:
        """Count the errors of an answer; codes are the subgraphs' own words, so only so many have a series."""
        for error in errors:
            code = str((error.get("extensions") or {}).get("code") or "")
            if code not in self._codes:
                if len(self._codes) >= _MOST_CODES or not _CODE(code):
                    code = "_OTHER" if code else ""
                self._codes.add(code)
            self._errors.labels(code).inc()

    def _series(self, figures: Durations, *labels: str) -> _Series:
        return _Series(figures.labels(*labels), len(self._bounds) + 1)

    def _be_due(self) -> None:
        """See to it that the library is told soon, by whatever event loop runs."""
        self._is_due = True
        asyncio.get_running_loop().call_later(_TELL_SECONDS, self.tell)

    def tell(self) -> None:
        """Tell the library what was counted."""
        self._is_due = False
        self._active.set(self.active)
        for series in (*self._ended.values(), *self._fetched.values()):
            series.hand_over()
        for labels, count in self._looked_up.items():
            if count:
                self._lookups.labels(*labels).inc(count)
        self._looked_up.clear()

    def planned(self, seconds: float) -> None:
        """Count an operation that was planned."""
        self._plans.observe(seconds)

    def looked_up(self, subgraph: str, hits: int, misses: int) -> None:
        """Count what the cache knew and did not know."""
        for found, count in (("hit", hits), ("miss", misses)):
            self._looked_up[subgraph, found] = self._looked_up.get((subgraph, found), 0) + count
        if not self._is_due:
            self._be_due()

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
        self.tell()
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
