"""Alerts on causes: what operators want to know before a promise is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from runtime.observability.series import quantile, rate, series

_FETCHES: Final = "http_client_request_duration_seconds"


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition, how long it must last, and what to say."""

    name: str
    condition: str
    lasting: str
    severity: str
    summary: str

    def rule(self) -> dict[str, Any]:
        """Write it as Prometheus' rule; the runbook has a section by its name."""
        return {
            "alert": self.name,
            "expr": self.condition,
            "for": self.lasting,
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "description": f"See docs/runbook.md#{self.name.lower()}"},
        }


def alerts() -> tuple[Alert, ...]:
    """Give every alert on a cause."""
    per_subgraph = ("subgraph_name",)
    failed = rate(f"{_FETCHES}_count", 'error_type!=""', window="5m", by=per_subgraph)
    fetched = rate(f"{_FETCHES}_count", window="5m", by=per_subgraph)
    breaker = series("router_circuit_breaker_state", 'state="open"', by=per_subgraph)
    refused = rate("router_subgraph_requests_refused_total", window="5m", by=("subgraph_name", "reason"))
    retried = rate("router_subgraph_retries_total", window="5m", by=per_subgraph)
    planning = quantile(0.99, "router_query_planning_duration_seconds", window="15m")
    slow = quantile(0.99, _FETCHES, window="10m", by=per_subgraph)
    name = "{{ $labels.subgraph_name }}"
    return (
        Alert("RouterDown", 'up{job="storegraph-router"} == 0', "1m", "page", "A router is not to be reached"),
        Alert("SubgraphFails", f"{failed} / {fetched} > 0.05", "5m", "page", f"Over 5 % of requests to {name} fail"),
        Alert("BreakerOpen", f"max by (subgraph_name) ({breaker}) > 0", "1m", "page", f"{name} is not asked any more"),
        Alert(
            "RequestsRefused",
            f"{refused} > 1",
            "5m",
            "ticket",
            f"Requests to {name} are shed ({{{{ $labels.reason }}}})",
        ),
        Alert(
            "RetriesRise", f"{retried} / {fetched} > 0.1", "10m", "ticket", f"A tenth of requests to {name} is retried"
        ),
        Alert("SubgraphSlow", f"{slow} > 1", "10m", "ticket", f"1 % of requests to {name} take over 1 s"),
        Alert("PlanningSlow", f"{planning} > 0.5", "15m", "ticket", "Planning operations takes long"),
    )


def alert_group() -> dict[str, Any]:
    """Write Prometheus' rule group of the alerts on causes."""
    return {"name": "storegraph-causes", "rules": [alert.rule() for alert in alerts()]}
