"""The router's dashboard for Grafana (its JSON model, schema version 39)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from runtime.observability.objectives import objectives
from runtime.observability.series import quantile, rate, series

_WINDOW: Final = "$__rate_interval"
_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
_REQUESTS: Final = "http_server_request_duration_seconds"
_FETCHES: Final = "http_client_request_duration_seconds"
_PER_ROW: Final = 3
_WIDTH: Final = 24 // _PER_ROW
_HEIGHT: Final = 8
_PER_SUBGRAPH: Final = ("subgraph_name",)


@dataclass(frozen=True, slots=True)
class Panel:
    """A plot: its title, its unit, and expressions by their legends."""

    title: str
    unit: str
    lines: Sequence[tuple[str, str]]
    kind: str = "timeseries"

    def model(self, number: int) -> dict[str, Any]:
        """Write it at its place in the grid."""
        return {
            "id": number + 1,
            "type": self.kind,
            "title": self.title,
            "datasource": _SOURCE,
            "gridPos": {
                "x": number % _PER_ROW * _WIDTH,
                "y": number // _PER_ROW * _HEIGHT,
                "w": _WIDTH,
                "h": _HEIGHT,
            },
            "fieldConfig": {"defaults": {"unit": self.unit, "min": 0}, "overrides": []},
            "targets": [
                {"refId": chr(ord("A") + place), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
                for place, (legend, expression) in enumerate(self.lines)
            ],
        }


def panels() -> Sequence[Panel]:
    """Give every plot, those of clients first."""
    return (*_of_clients(), *_of_subgraphs())


def _of_clients() -> Sequence[Panel]:
    quantiles = [(f"p{share * 100:g}", quantile(share, _REQUESTS, window=_WINDOW)) for share in (0.5, 0.95, 0.99)]
    by_status = rate(f"{_REQUESTS}_count", window=_WINDOW, by=("http_response_status_code",))
    by_code = rate("graphql_errors_total", window=_WINDOW, by=("code",))
    left = [(each.name, f"1 - {each.ratio('3d')} / {each.budget}") for each in objectives()]
    return (
        Panel("Requests", "reqps", [("{{http_response_status_code}}", by_status)]),
        Panel("Time to answer", "s", quantiles),
        Panel("Error budget left (3 days)", "percentunit", left),
        Panel("Requests being answered", "none", [("active", f"sum ({series('http_server_active_requests')})")]),
        Panel("Errors told to clients", "short", [("{{code}}", by_code)]),
        Panel("Time to plan", "s", [("p99", quantile(0.99, "router_query_planning_duration_seconds", window=_WINDOW))]),
    )


def _of_subgraphs() -> Sequence[Panel]:
    name = "{{subgraph_name}}"
    asked = rate(f"{_FETCHES}_count", window=_WINDOW, by=_PER_SUBGRAPH)
    failed = rate(f"{_FETCHES}_count", 'error_type!=""', window=_WINDOW, by=(*_PER_SUBGRAPH, "error_type"))
    hits = rate("router_cache_lookups_total", 'result="hit"', window=_WINDOW, by=_PER_SUBGRAPH)
    lookups = rate("router_cache_lookups_total", window=_WINDOW, by=_PER_SUBGRAPH)
    breakers = series("router_circuit_breaker_state", 'state="open"', by=_PER_SUBGRAPH)
    refused = rate("router_subgraph_requests_refused_total", window=_WINDOW, by=(*_PER_SUBGRAPH, "reason"))
    again = [
        (f"{name} {what}", rate(f"router_subgraph_{what}_total", window=_WINDOW, by=_PER_SUBGRAPH))
        for what in ("retries", "hedges")
    ]
    return (
        Panel("Requests to subgraphs", "reqps", [(name, asked)]),
        Panel("Time of subgraphs (p99)", "s", [(name, quantile(0.99, _FETCHES, window=_WINDOW, by=_PER_SUBGRAPH))]),
        Panel("Failed requests to subgraphs", "reqps", [(f"{name} {{{{error_type}}}}", failed)]),
        Panel("Open circuit breakers", "none", [(name, f"max by (subgraph_name) ({breakers})")]),
        Panel("Requests not sent", "reqps", [(f"{name} {{{{reason}}}}", refused)]),
        Panel("Sent again", "reqps", again),
        Panel("Cache hits", "percentunit", [(name, f"{hits} / {lookups}")]),
    )


def dashboard() -> dict[str, Any]:
    """Write the dashboard as Grafana imports it."""
    return {
        "uid": "storegraph-router",
        "title": "Storegraph: router",
        "tags": ["storegraph"],
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "panels": [panel.model(number) for number, panel in enumerate(panels())],
    }
