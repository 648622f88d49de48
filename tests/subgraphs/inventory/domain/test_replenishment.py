"""When to order and how many: the figures of the policy, and what no policy may do."""

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import InvalidInputError
from subgraphs.inventory.domain.forecasting import Forecast
from subgraphs.inventory.domain.forecasting.counts import Spread, normal_quantile
from subgraphs.inventory.domain.forecasting.series import Pattern
from subgraphs.inventory.domain.replenishment import Plan, Terms, plan, split, thin


def forecast(mean, scatter=0.0, evidence=1e12):
    return Forecast(
        sku="A",
        first=date(2026, 6, 1),
        means=(mean,) * 13,
        scatter=scatter,
        evidence=evidence,
        model="SES(0.05)",
        pattern=Pattern.SMOOTH,
        mase=None,
    )


def terms(**changes):
    return Terms(**{"lead_time_days": 14, "cycle_days": 14, "service_level": 0.95, **changes})


def test_the_reorder_point_covers_the_lead_time_with_the_service_level():
    """Poisson demand of 200: the normal approximation of the textbook is close."""
    found = plan(forecast(100), terms(), "wh", 1.0)
    assert found.lead_time_demand == pytest.approx(200)
    assert found.reorder_point == pytest.approx(200 + normal_quantile(0.95) * math.sqrt(200), abs=1.5)
    assert found.safety_stock == found.reorder_point - found.lead_time_demand
    assert found.order_up_to == pytest.approx(400 + normal_quantile(0.95) * 20, abs=1.5)


@given(
    st.floats(0.01, 80), st.floats(0.02, 3), st.integers(0, 60), st.integers(1, 60), st.sampled_from([0.8, 0.95, 0.99])
)
def test_more_service_time_or_scatter_never_needs_less(mean, scatter, lead, cycle, service):
    base = plan(forecast(mean, scatter), terms(lead_time_days=lead, cycle_days=cycle, service_level=service), "wh", 1)
    assert base.order_up_to >= base.reorder_point
    safer = plan(forecast(mean, scatter), terms(lead_time_days=lead, cycle_days=cycle, service_level=0.995), "wh", 1)
    later = plan(
        forecast(mean, scatter), terms(lead_time_days=lead + 7, cycle_days=cycle, service_level=service), "wh", 1
    )
    assert safer.reorder_point >= base.reorder_point
    assert later.reorder_point >= base.reorder_point


@given(st.integers(0, 300), st.integers(1, 40), st.integers(1, 100))
def test_orders_are_whole_packs_that_fill_up(position, pack, least):
    made = Plan(
        sku="A",
        warehouse_id="wh",
        reorder_point=50,
        order_up_to=120,
        lead_time_demand=40,
        lead_time_days=14,
        service_level=0.95,
        pack_size=pack,
        least_quantity=least,
    )
    quantity = made.quantity(position)
    assert quantity % pack == 0
    if position > 50:
        assert quantity == 0
    else:
        assert quantity >= max(120 - position, least)
        assert quantity < max(120 - position, least) + pack


def test_a_share_of_a_count_scatters_as_thinning_says():
    assert thin(Spread(10, 30), 0.5) == Spread(5, 5 + 0.25 * 20)
    assert thin(Spread(10, 30), 1.0) == Spread(10, 30)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 1000)))
def test_shares_add_up_to_one_and_nobody_is_left_out(served):
    shares = split(served, ["a", "b", "c"])
    assert sum(shares.values()) == pytest.approx(1)
    assert all(share > 0 for share in shares.values())
    assert split(served, []) == {}


@pytest.mark.parametrize(
    "changes",
    [{"lead_time_days": -1}, {"cycle_days": 0}, {"service_level": 0.4}, {"service_level": 1.0}, {"pack_size": 0}],
)
def test_terms_that_cannot_be_meant_are_refused(changes):
    with pytest.raises(InvalidInputError):
        terms(**changes)
