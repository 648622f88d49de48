"""From the demand of a group of SKUs to a forecast of each.

The season is learnt from the group's total. Each SKU's level is found by the method that would have erred least, by
mean squared error, in the weeks that it has seen. What is not explained is scatter, estimated from the same one-step
errors and drawn towards that of the group where a SKU has shown little. The spread of a sum of weeks adds the doubt
about the level itself, which all weeks share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from subgraphs.inventory.domain.forecasting.accuracy import mase_scale
from subgraphs.inventory.domain.forecasting.counts import Spread
from subgraphs.inventory.domain.forecasting.levels import Prior, Run, all_runs, gamma_poisson
from subgraphs.inventory.domain.forecasting.season import Season, fit_season
from subgraphs.inventory.domain.forecasting.series import WEEK, Pattern, Series

NEW: Final = 13
"""Weeks for which an item is new: its group speaks for it, and its own sales count more with each week."""

_JUDGED: Final = 52
"""The newest weeks by which methods are judged."""

_PRIOR_WEEKS: Final = 3.0
_LEAST_SCATTER, _MOST_SCATTER = 0.02, 8.0
_OWN_SCATTER_FROM: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is expected of a SKU from the week of `first` on."""

    sku: str
    first: date
    means: tuple[float, ...]
    scatter: float
    """The variance of a week is mean + scatter * mean^2."""

    evidence: float
    """How many sales the level stands on."""

    model: str
    pattern: Pattern
    mase: float | None
    """Error of one week ahead in the weeks it was judged by, in units of the naive forecast's error."""

    def week(self, number: int) -> Spread:
        """Tell what one week may bring."""
        return self.total(number, number + 1)

    def total(self, begin: float, end: float) -> Spread:
        """Tell what the span between two instants, in weeks from `first`, may bring altogether."""
        means = [mean * share for mean, share in self._shares(begin, end)]
        mean = sum(means)
        own = sum(each + self.scatter * each * each for each in means)
        return Spread(mean, own + mean * mean / max(self.evidence, 1.0))

    def _shares(self, begin: float, end: float) -> Iterable[tuple[float, float]]:
        for number in range(int(begin), max(int(begin), int(-(-end // 1)))):
            share = min(end, number + 1) - max(begin, number)
            yield self.means[min(number, len(self.means) - 1)], share


def forecast_group(group: Sequence[Series], horizon: int) -> list[Forecast]:
    """Forecast every SKU of a group for so many weeks after its last one; all series end on the same Monday."""
    season = _season(group)
    fits = [_fit(series, season, prior) for prior in [_prior(group, season)] for series in group]
    pooled = _pool(fits)
    return [_forecast(fit, season, horizon, pooled) for fit in fits]


@dataclass(frozen=True, slots=True)
class _Fit:
    series: Series
    pattern: Pattern
    run: Run
    excess: float
    weight: float


def _season(group: Sequence[Series]) -> Season:
    first = min(series.first for series in group)
    totals = [0] * max((series.end - first) // WEEK for series in group)
    for series in group:
        offset = (series.first - first) // WEEK
        for number, value in enumerate(series.values):
            totals[offset + number] += value
    return fit_season(totals, first)


def _prior(group: Sequence[Series], season: Season) -> Prior:
    """Expect of a new item what the middle one of its group sells in an average week."""
    levels = sorted(sum(series.values) / sum(_indices(series, season)) for series in group if len(series.values) >= NEW)
    return Prior(max(levels[len(levels) // 2], 0.01) if levels else 0.5, _PRIOR_WEEKS)


def _indices(series: Series, season: Season) -> list[float]:
    return [season.index(series.first + WEEK * number) for number in range(len(series.values))]


def _fit(series: Series, season: Season, prior: Prior) -> _Fit:
    indices = _indices(series, season)
    pattern = series.pattern(new=NEW)
    if pattern is Pattern.NEW:
        run = gamma_poisson(series.values, indices, prior, 1.0)
    else:
        run = min(all_runs(series.values, indices, prior), key=lambda each: _squares(each, series.values))
    judged = list(zip(run.expected, series.values, strict=True))[-_JUDGED:]
    excess = sum((value - mean) ** 2 - mean for mean, value in judged)
    return _Fit(series, pattern, run, excess, sum(mean * mean for mean, _ in judged))


def _squares(run: Run, values: Sequence[int]) -> float:
    begin = max(len(values) - _JUDGED, NEW // 2)
    return sum((value - mean) ** 2 for mean, value in zip(run.expected[begin:], values[begin:], strict=True))


def _pool(fits: Sequence[_Fit]) -> float:
    """Give the scatter of the middle SKU of those that sell enough to tell."""
    found = sorted(fit.excess / fit.weight for fit in fits if fit.weight > _OWN_SCATTER_FROM)
    return _bounded(found[len(found) // 2] if found else 0.5)


def _bounded(scatter: float) -> float:
    return min(max(scatter, _LEAST_SCATTER), _MOST_SCATTER)


def _forecast(fit: _Fit, season: Season, horizon: int, pooled: float) -> Forecast:
    scatter = (fit.excess + pooled * _OWN_SCATTER_FROM) / (fit.weight + _OWN_SCATTER_FROM)
    end, scale = fit.series.end, mase_scale(fit.series.values)
    errors = [abs(v - m) for m, v in zip(fit.run.expected, fit.series.values, strict=True)][-_JUDGED:]
    return Forecast(
        sku=fit.series.sku,
        first=end,
        means=tuple(fit.run.level * season.index(end + WEEK * number) for number in range(horizon)),
        scatter=_bounded(scatter),
        evidence=fit.run.evidence,
        model="GroupPrior" if fit.pattern is Pattern.NEW else fit.run.name,
        pattern=fit.pattern,
        mase=sum(errors) / len(errors) / scale if errors and scale else None,
    )
