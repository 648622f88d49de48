"""What the forecasts would have been worth: rolling origins over the history, beside what anybody can do.

At each origin everything is fitted afresh on what was known then, and the next weeks are compared with what came.
The benchmarks are the naive forecast (each week like the last one), the seasonal naive (each week like the same week
a year before), the mean of the last eight weeks, and none at all: where demand is rare, zero is hard to beat by
absolute errors, so whoever reads them should see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from subgraphs.inventory.domain.forecasting.accuracy import (
    mase_scale,
    mean_absolute_error,
    pinball,
    rmsse_scale,
    root_mean_squared_error,
)
from subgraphs.inventory.domain.forecasting.forecaster import Forecast, forecast_group
from subgraphs.inventory.domain.forecasting.series import WEEK, Pattern, Series

YEAR: Final = 52
OURS: Final = "forecast"
SHARES: Final = (0.1, 0.5, 0.9)

Benchmark = Callable[[Sequence[int], int], Sequence[float]]

BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "naive": lambda history, horizon: [history[-1]] * horizon,
    "seasonal naive": lambda history, horizon: [history[number - YEAR] for number in range(horizon)],
    "mean of 8 weeks": lambda history, horizon: [sum(history[-8:]) / 8] * horizon,
    "zero": lambda _history, horizon: [0.0] * horizon,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Which origins are tried: `count` of them, `step` weeks apart, each looking `horizon` weeks ahead."""

    horizon: int = 4
    step: int = 4
    count: int = 7

    def origins(self, end: date) -> list[date]:
        """Give the Mondays on which forecasts are made, so that the last one can just be judged."""
        return [end - WEEK * (self.horizon + self.step * back) for back in reversed(range(self.count))]


@dataclass(slots=True)
class Score:
    """How one SKU was forecast, by every method, over all origins."""

    sku: str
    group: str
    pattern: Pattern
    model: str = ""
    first: date = date.min
    history: tuple[int, ...] = ()
    """What was sold in each week since `first`, up to the first origin."""
    mase: dict[str, float] = field(default_factory=dict[str, float])
    rmsse: dict[str, float] = field(default_factory=dict[str, float])
    total_mase: dict[str, float] = field(default_factory=dict[str, float])
    """The same for the sum of the horizon, which is what a delivery has to cover."""
    loss: float = 0.0
    inside: float = 0.0
    """The share of weeks that fell between the 10 % and the 90 % quantile."""
    shown: list[tuple[date, int, float, int, int]] = field(default_factory=list[tuple[date, int, float, int, int]])
    """Each judged week: what came, the mean, and the two quantiles."""


@dataclass(slots=True)
class _Trial:
    """One origin of one SKU."""

    history: tuple[int, ...]
    actual: tuple[int, ...]
    forecast: Forecast


def backtest(groups: Mapping[str, Sequence[Series]], plan: Plan) -> Iterator[Score]:
    """Judge every SKU that has a year and something to measure by before the first origin."""
    for name, group in groups.items():
        end = max((series.end for series in group), default=None)
        if end is not None:
            yield from _judge(name, group, plan, end)


def _judge(name: str, group: Sequence[Series], plan: Plan, end: date) -> Iterator[Score]:
    trials: dict[str, list[_Trial]] = {}
    for origin in plan.origins(end):
        known = [series.until(origin) for series in group if series.first < origin]
        for forecast in forecast_group(known, plan.horizon) if known else ():
            series = next(each for each in group if each.sku == forecast.sku)
            begin = (origin - series.first) // WEEK
            actual = series.values[begin : begin + plan.horizon]
            trials.setdefault(series.sku, []).append(_Trial(series.values[:begin], actual, forecast))
    for sku, made in trials.items():
        first = made[0]
        if len(made) == plan.count and len(first.history) >= YEAR and mase_scale(first.history):
            yield _score(sku, name, made)


def _score(sku: str, group: str, trials: Sequence[_Trial]) -> Score:
    history = trials[0].history
    last = trials[-1].forecast
    first = trials[0].forecast.first - WEEK * len(history)
    score = Score(sku, group, last.pattern, last.model, first, history)
    actual = [value for trial in trials for value in trial.actual]
    totals = [float(sum(trial.actual)) for trial in trials]
    absolute, squared = mase_scale(history), rmsse_scale(history)
    for method in (OURS, *BENCHMARKS):
        points = [_points(method, trial, 0.5) for trial in trials]
        means = [_points(method, trial, None) for trial in trials]
        sums = [_sum(method, trial) for trial in trials]
        horizon = len(trials[0].actual)
        score.mase[method] = mean_absolute_error([each for run in points for each in run], actual) / absolute
        score.rmsse[method] = root_mean_squared_error([each for run in means for each in run], actual) / squared
        score.total_mase[method] = mean_absolute_error(sums, totals) / absolute / horizon
    _judge_quantiles(score, trials)
    return score


def _points(method: str, trial: _Trial, share: float | None) -> Sequence[float]:
    horizon = len(trial.actual)
    if method != OURS:
        return BENCHMARKS[method](trial.history, horizon)
    if share is None:
        return trial.forecast.means[:horizon]
    return [trial.forecast.week(number).quantile(share) for number in range(horizon)]


def _sum(method: str, trial: _Trial) -> float:
    horizon = len(trial.actual)
    return trial.forecast.total(0, horizon).quantile(0.5) if method == OURS else sum(_points(method, trial, None))


def _judge_quantiles(score: Score, trials: Sequence[_Trial]) -> None:
    low, _, high = SHARES
    for trial in trials:
        for number, actual in enumerate(trial.actual):
            spread = trial.forecast.week(number)
            quantiles = [spread.quantile(share) for share in SHARES]
            score.loss += sum(pinball(q, share, actual) for q, share in zip(quantiles, SHARES, strict=True))
            week = trial.forecast.first + WEEK * number
            score.shown.append((week, actual, spread.mean, spread.quantile(low), spread.quantile(high)))
    score.inside = sum(low <= actual <= high for _, actual, _, low, high in score.shown) / len(score.shown)
    score.loss /= len(score.shown)
