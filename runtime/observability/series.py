"""The series that there are to ask for, as the code that counts them names them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from prometheus_client import CollectorRegistry

from router.telemetry.metrics import Metrics
from router.telemetry_settings import MetricsSettings


class UnknownSeriesError(LookupError):
    """A rule or a panel asks for a series or a label that no code counts."""


@cache
def known_series() -> Mapping[str, tuple[str, ...]]:
    """Give the labels of each series by its name."""
    return Metrics(CollectorRegistry(), buckets()).families


def buckets() -> tuple[float, ...]:
    """Give the upper bounds of durations, in seconds, that the router counts in by default."""
    return MetricsSettings().buckets


def series(name: str, matchers: str = "", *, by: tuple[str, ...] = ()) -> str:
    """Write a selector, such as `name{label="value"}`.

    Args:
        name: of the series.
        matchers: PromQL's, without braces.
        by: labels that the expression around it groups by; they are only checked.

    Raises:
        UnknownSeriesError: there is no such series, or it has no such label.
    """
    labels = known_series().get(name)
    if labels is None:
        raise UnknownSeriesError(f"no code counts {name}")
    asked = {matcher.partition("=")[0].rstrip("!") for matcher in matchers.split(",") if matcher} | set(by)
    if strange := asked - {*labels, "le", "job", "instance"}:
        raise UnknownSeriesError(f"{name} has no label {', '.join(sorted(strange))}")
    return f"{name}{{{matchers}}}" if matchers else name


def rate(name: str, matchers: str = "", *, window: str, by: tuple[str, ...] = ()) -> str:
    """Write the sum of a counter's rates a second, grouped by labels.

    Raises:
        UnknownSeriesError: see `series`.
    """
    grouping = f" by ({', '.join(by)})" if by else ""
    return f"sum{grouping} (rate({series(name, matchers, by=by)}[{window}]))"


def quantile(share: float, name: str, *, window: str, by: tuple[str, ...] = ()) -> str:
    """Write a quantile of a histogram of durations, in seconds.

    Raises:
        UnknownSeriesError: see `series`.
    """
    return f"histogram_quantile({share}, {rate(f'{name}_bucket', window=window, by=('le', *by))})"
