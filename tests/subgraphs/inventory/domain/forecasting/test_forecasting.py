"""Forecasts: levels as the library gives them, seasons that are found again, spreads that hold what they say."""

import json
import math
import random
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.inventory.domain.forecasting import Series, forecast_group
from subgraphs.inventory.domain.forecasting.accuracy import (
    mase_scale,
    mean_absolute_error,
    pinball,
    rmsse_scale,
    root_mean_squared_error,
)
from subgraphs.inventory.domain.forecasting.backtest import BENCHMARKS, OURS, Plan, backtest
from subgraphs.inventory.domain.forecasting.counts import Spread
from subgraphs.inventory.domain.forecasting.levels import Prior, all_runs, exponential, gamma_poisson, sba, tsb
from subgraphs.inventory.domain.forecasting.season import FLAT, fit_season
from subgraphs.inventory.domain.forecasting.series import Pattern, classify, monday

FIRST = date(2023, 11, 27)
REFERENCE = json.loads(Path(__file__).with_name("statsforecast_levels.json").read_text())
counts = st.lists(st.integers(0, 60), min_size=1, max_size=120)


def wave(week):
    return 1 + 0.6 * math.sin(2 * math.pi * week / 52.18)


def seasonal_group(size=8, weeks=156, rate=6.0, seed=1):
    chance = random.Random(seed)
    return [
        Series(f"S{n}", FIRST, tuple(round(chance.gauss(rate, 1) * wave(week)) for week in range(weeks)))
        for n in range(size)
    ]


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: f"{len(case['values'])} weeks")
def test_levels_are_those_of_statsforecast(case):
    """The library begins with the first observation, so that is given as the prior."""
    values = case["values"]
    flat = [1.0] * len(values)
    first = next(value for value in values if value)
    alphas = REFERENCE["alpha"]
    assert sba(values, flat, Prior(0, 1), alphas["sba"]).level == pytest.approx(case["sba"], rel=1e-4)
    began = Prior(first if values[0] else 0, 1)
    assert tsb(values, flat, began, alphas["tsb"]).level == pytest.approx(case["tsb"], rel=1e-4)
    assert exponential(values, flat, Prior(values[0], 1), alphas["ses"]).level == pytest.approx(case["ses"], rel=1e-4)


@given(counts)
def test_every_method_expects_something_finite_of_each_week(values):
    for run in all_runs(values, [1.0] * len(values), Prior(0.5, 3)):
        assert len(run.expected) == len(values)
        assert all(math.isfinite(each) and each >= 0 for each in (*run.expected, run.level, run.evidence))


@given(counts, st.integers(0, 60))
def test_no_method_sees_the_week_that_it_is_asked_about(values, other):
    season = [1.0] * len(values)
    changed = [*values[:-1], other]
    for run, again in zip(all_runs(values, season, Prior(1, 3)), all_runs(changed, season, Prior(1, 3)), strict=True):
        if not run.name.startswith("TSB"):  # its first size is that of the first sale, wherever it is
            assert run.expected == again.expected


def test_a_steady_level_is_learnt_and_a_prior_forgotten():
    run = gamma_poisson([4] * 200, [1.0] * 200, Prior(40, 3), 0.98)
    assert run.level == pytest.approx(4, rel=0.02)
    assert gamma_poisson([], [], Prior(40, 3), 0.98).level == 40


def test_a_season_is_found_again():
    totals = [round(200 * wave(week) * 1.002**week) for week in range(156)]
    season = fit_season(totals, FIRST)
    indices = [season.index(FIRST + timedelta(weeks=week)) for week in range(52)]
    mean = sum(indices) / 52
    assert max(abs(index / mean - wave(week)) for week, index in enumerate(indices)) < 0.12


def test_noise_and_short_histories_show_no_season():
    assert fit_season([100] * 30, FIRST) is FLAT
    chance = random.Random(2)
    season = fit_season([chance.choice((0, 0, 1, 2, 3)) for _ in range(156)], FIRST)
    assert all(0.5 < season.index(FIRST + timedelta(weeks=week)) < 2 for week in range(52))


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ([5, 4, 6, 5], Pattern.SMOOTH),
        ([1, 30, 2, 1], Pattern.ERRATIC),
        ([0, 5, 0, 5, 0, 5], Pattern.INTERMITTENT),
        ([0, 1, 0, 0, 30, 0, 0, 2], Pattern.LUMPY),
    ],
)
def test_patterns_of_demand(values, pattern):
    assert classify(values) is pattern


@given(st.floats(0.01, 900), st.floats(1, 20), st.sampled_from([0.05, 0.5, 0.8, 0.95, 0.99]))
def test_a_quantile_is_the_least_count_that_suffices(mean, excess, share):
    spread = Spread(mean, mean * excess)
    found = spread.quantile(share)
    assert found >= 0
    assert found <= spread.quantile(0.995)
    assert abs(spread.quantile(0.5) - mean) <= 1 + math.sqrt(mean * excess)


@pytest.mark.parametrize("excess", [1.0, 3.0, 4000.0])
def test_counting_and_the_gamma_distribution_meet(excess):
    """Where counting ends the quantiles go on without a step."""
    for share in (0.1, 0.5, 0.9, 0.99):
        below, above = (Spread(mean, mean * excess).quantile(share) for mean in (19_999.0, 20_001.0))
        assert abs(above - below) <= 20 + 0.002 * above


@given(st.floats(0.1, 3000), st.floats(0.1, 200), st.floats(0.02, 3))
def test_more_demand_never_has_a_lower_quantile(mean, more, scatter):
    def spread(value):
        return Spread(value, value + scatter * value * value)

    for share in (0.5, 0.95, 0.999):
        assert spread(mean + more).quantile(share) >= spread(mean).quantile(share)


def test_quantiles_are_those_of_the_distribution():
    chance = random.Random(4)
    mean, variance = 6.0, 15.0
    size = mean**2 / (variance - mean)

    def draw():
        rate, count, left = chance.gammavariate(size, mean / size), 0, chance.random()
        left -= math.exp(-rate)
        term = math.exp(-rate)
        while left > 0:
            count += 1
            term *= rate / count
            left -= term
        return count

    drawn = sorted(draw() for _ in range(20_000))
    for share in (0.1, 0.5, 0.9, 0.98):
        assert abs(Spread(mean, variance).quantile(share) - drawn[int(share * len(drawn))]) <= 1


def test_a_group_is_forecast_with_its_season_and_a_new_item_with_its_group():
    group = seasonal_group()
    new = Series("new", group[0].end - timedelta(weeks=3), (7, 6, 8))
    forecasts = {each.sku: each for each in forecast_group([*group, new], 8)}
    for forecast in forecasts.values():
        assert forecast.first == group[0].end
        assert forecast.means == pytest.approx([6 * wave(156 + week) for week in range(8)], rel=0.35)
    assert (forecasts["new"].model, forecasts["new"].pattern) == ("GroupPrior", Pattern.NEW)
    assert forecasts["S0"].mase is not None
    assert forecasts["S0"].mase < 1


def test_a_span_is_the_sum_of_its_weeks_and_surer_than_they_are_apart():
    forecast = forecast_group(seasonal_group(), 8)[0]
    four = forecast.total(0, 4)
    assert four.mean == pytest.approx(sum(forecast.means[:4]))
    assert forecast.total(0, 0.5).mean == pytest.approx(forecast.means[0] / 2)
    assert forecast.total(0, 20).mean == pytest.approx(sum(forecast.means) + 12 * forecast.means[-1])
    assert four.quantile(0.95) < sum(forecast.week(number).quantile(0.95) for number in range(4))


def test_what_never_sold_is_forecast_from_its_group_and_alone_it_is_near_nothing():
    (forecast,) = forecast_group([Series("A", FIRST, (0,) * 80)], 4)
    assert sum(forecast.means) < 0.5
    assert forecast_group([Series("A", FIRST, ())], 4)[0].means


def test_measures_of_error():
    assert mase_scale([1, 3, 2]) == 1.5
    assert rmsse_scale([1, 3, 2]) == pytest.approx(math.sqrt(2.5))
    assert (mase_scale([1]), rmsse_scale([])) == (0, 0)
    assert mean_absolute_error([1, 2], [2, 4]) == 1.5
    assert root_mean_squared_error([0, 0], [3, 3]) == 3
    assert (pinball(5, 0.9, 7), pinball(7, 0.9, 5)) == (pytest.approx(1.8), pytest.approx(0.2))


def test_a_backtest_judges_only_by_what_was_known():
    """Whatever comes after an origin may change its errors, never its forecast."""
    plan = Plan(count=2)
    group = seasonal_group(size=3)
    changed = [Series(each.sku, each.first, (*each.values[:-4], 99, 99, 99, 99)) for each in group]
    scores, others = (list(backtest({"g": each}, plan)) for each in (group, changed))
    for score, other in zip(scores, others, strict=True):
        assert [row[2:] for row in score.shown] == [row[2:] for row in other.shown]
        assert score.mase[OURS] < other.mase[OURS]
        assert set(score.mase) == {OURS, *BENCHMARKS}
        assert score.mase[OURS] < score.mase["naive"]
    assert len(scores[0].shown) == 8


def test_what_is_too_new_or_never_moved_is_not_judged():
    group = [Series("new", FIRST, (1, 2) * 20), Series("still", FIRST, (0,) * 156)]
    assert list(backtest({"g": group, "none": []}, Plan())) == []


def test_weeks_begin_on_monday():
    assert monday(date(2026, 11, 25)) == date(2026, 11, 23)
    series = Series.of("A", {FIRST: 2}, first=FIRST, end=FIRST + timedelta(weeks=3))
    assert series.values == (2, 0, 0)
    assert series.until(FIRST + timedelta(weeks=1)).values == (2,)
