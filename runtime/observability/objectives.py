"""Service level objectives, and alerts on how fast their error budgets burn.

The windows and factors are those of Google's Site Reliability Workbook, chapter 5 ("Alerting on SLOs", multiwindow,
multi-burn-rate alerts), for a period of 30 days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from runtime.observability.series import buckets, rate

_REQUESTS: Final = "http_server_request_duration_seconds"
_FAILED: Final = 'http_response_status_code=~"5.."'
_QUICK: Final = 0.5


@dataclass(frozen=True, slots=True)
class Objective:
    """What share of requests must be good; `bad` and `total` are expressions for a window, with `{window}` in them."""

    name: str
    says: str
    target: float
    bad: str
    total: str

    def ratio(self, window: str) -> str:
        """Name the recorded share of bad requests over a window."""
        return f"storegraph:{self.name}_errors:ratio_rate{window}"

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return round(1 - self.target, 6)


@dataclass(frozen=True, slots=True)
class Burn:
    """An alert's speed: the budget burns `factor` times too fast over both windows."""

    factor: float
    long: str
    short: str
    severity: str


BURNS: Final = (
    Burn(14.4, "1h", "5m", "page"),
    Burn(6, "6h", "30m", "page"),
    Burn(3, "1d", "2h", "ticket"),
    Burn(1, "3d", "6h", "ticket"),
)
_WINDOWS: Final = tuple(dict.fromkeys(window for burn in BURNS for window in (burn.short, burn.long)))


def objectives() -> Sequence[Objective]:
    """Give what the shop promises of its one endpoint."""
    bound = min(each for each in buckets() if each >= _QUICK)
    total = rate(f"{_REQUESTS}_count", window="{window}")
    quick = rate(f"{_REQUESTS}_bucket", f'le="{bound}"', window="{window}")
    return (
        Objective(
            "availability",
            "requests that are answered without an error of the server",
            0.999,
            rate(f"{_REQUESTS}_count", _FAILED, window="{window}"),
            total,
        ),
        Objective("latency", f"requests that are answered within {bound:g} s", 0.99, f"({total} - {quick})", total),
    )


def objective_groups() -> list[dict[str, Any]]:
    """Write Prometheus' rule groups: the recorded shares, and an alert for each speed of burning."""
    return [
        {"name": f"storegraph-{each.name}", "rules": [*_recorded(each), *(_alert(each, burn) for burn in BURNS)]}
        for each in objectives()
    ]


def _recorded(objective: Objective) -> list[dict[str, str]]:
    share = f"{objective.bad} / {objective.total}"
    return [{"record": objective.ratio(window), "expr": share.replace("{window}", window)} for window in _WINDOWS]


def _alert(objective: Objective, burn: Burn) -> dict[str, Any]:
    bound = round(burn.factor * objective.budget, 6)
    return {
        "alert": f"{objective.name.title()}BudgetBurns{burn.severity.title()}{burn.long}",
        "expr": " and ".join(f"{objective.ratio(window)} > {bound}" for window in (burn.long, burn.short)),
        "labels": {"severity": burn.severity},
        "annotations": {
            "summary": f"The error budget of {objective.name} burns {burn.factor:g} times too fast",
            "description": f"{objective.target:.1%} are to be {objective.says}; over {burn.long} "
            "{{ $value | humanizePercentage }} were not. See docs/runbook.md#" + objective.name,
        },
    }
