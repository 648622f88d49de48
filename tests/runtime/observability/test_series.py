"""Series are asked for by the names that the code counts under."""

from __future__ import annotations

import pytest

from runtime.observability.series import UnknownSeriesError, quantile, rate, series


def test_a_known_series_is_written_with_its_matchers() -> None:
    assert series("router_cache_lookups_total", 'result="hit"') == 'router_cache_lookups_total{result="hit"}'
    assert rate("router_subgraph_retries_total", window="5m", by=("subgraph_name",)) == (
        "sum by (subgraph_name) (rate(router_subgraph_retries_total[5m]))"
    )
    assert quantile(0.99, "router_query_planning_duration_seconds", window="1m") == (
        "histogram_quantile(0.99, sum by (le) (rate(router_query_planning_duration_seconds_bucket[1m])))"
    )


@pytest.mark.parametrize(
    ("name", "matchers"), [("router_dreams_total", ""), ("router_subgraph_retries_total", 'colour!="red"')]
)
def test_what_no_code_counts_is_refused(name: str, matchers: str) -> None:
    with pytest.raises(UnknownSeriesError, match="router_"):
        series(name, matchers)


def test_a_grouping_by_a_label_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownSeriesError, match="no label state"):
        rate("router_subgraph_retries_total", window="5m", by=("state",))
