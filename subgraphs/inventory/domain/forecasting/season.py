"""What the weeks of the year do to the sales of a group: harmonic regression with a log link.

The weekly total of a group is explained by a level, a trend, three waves over the year and the week of Black Friday
(dynamic harmonic regression: Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", 3rd ed., 10.5), as
a Poisson regression fitted by iteratively reweighted least squares. A ridge keeps small groups from seeing waves in
noise; a history that does not cover a year shows no season at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Final

_HARMONICS: Final = 3
_RIDGE: Final = 12.0
_ROUNDS: Final = 5
_LEAST_WEEKS: Final = 60
_YEAR: Final = 365.25
_FIXED: Final = 2
"""Level and trend, which are no part of the season."""


class Season:
    """How much better or worse than an average week each week is; 1.0 is average."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._weights = tuple(weights)
        self._known: dict[date, float] = {}

    def index(self, week: date) -> float:
        """Give the index of a week, named by its Monday."""
        found = self._known.get(week)
        if found is None:
            found = self._known[week] = math.exp(
                sum(weight * value for weight, value in zip(self._weights, _waves(week), strict=True))
            )
        return found


FLAT: Final = Season([0.0] * (2 * _HARMONICS + 1))


def fit_season(totals: Sequence[int], first: date) -> Season:
    """Learn the season from the weekly totals of a group since a Monday."""
    if len(totals) < _LEAST_WEEKS or sum(totals) < len(totals):
        return FLAT
    rows = [(1.0, number / 52, *_waves(first + timedelta(weeks=number))) for number in range(len(totals))]
    weights = [math.log(sum(totals) / len(totals)), *[0.0] * (len(rows[0]) - 1)]
    scatter = 1.0
    for _ in range(_ROUNDS):
        means = [math.exp(sum(map(float.__mul__, weights, row))) for row in rows]
        weights = _reweigh(rows, totals, means, weights, scatter)
        scatter = max(1.0, sum((y - m) ** 2 / m for y, m in zip(totals, means, strict=True)) / len(totals))
    return Season(weights[_FIXED:])


def _reweigh(
    rows: Sequence[Sequence[float]],
    totals: Sequence[int],
    means: Sequence[float],
    weights: Sequence[float],
    scatter: float,
) -> list[float]:
    """Do one round: least squares of the working response, each week weighted by its mean over the scatter."""
    size = len(weights)
    matrix = [[0.0] * (size + 1) for _ in range(size)]
    for row, total, mean in zip(rows, totals, means, strict=True):
        eta = sum(map(float.__mul__, weights, row))
        response, importance = eta + (total - mean) / mean, mean / scatter
        for i, left in enumerate(row):
            line, scaled = matrix[i], importance * left
            for j in range(i, size):
                line[j] += scaled * row[j]
            line[size] += scaled * response
    for i in range(size):
        for j in range(i):
            matrix[i][j] = matrix[j][i]
        matrix[i][i] += _RIDGE if i >= _FIXED else 1e-9
    return _solve(matrix)


def _solve(matrix: list[list[float]]) -> list[float]:
    """Solve linear equations, given with their right sides as last column, by Gauss-Jordan with pivots."""
    size = len(matrix)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(matrix[row][column]))
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        head = matrix[column][column]
        matrix[column] = [value / head for value in matrix[column]]
        for row in range(size):
            factor = matrix[row][column]
            if row != column and factor:
                matrix[row] = [a - factor * b for a, b in zip(matrix[row], matrix[column], strict=True)]
    return [line[size] for line in matrix]


@cache
def _waves(week: date) -> tuple[float, ...]:
    angle = 2 * math.pi * (week.timetuple().tm_yday + 3) / _YEAR
    waves = [wave(angle * number) for number in range(1, _HARMONICS + 1) for wave in (math.sin, math.cos)]
    return (*waves, 1.0 if week <= _black_friday(week.year) < week + timedelta(weeks=1) else 0.0)


@cache
def _black_friday(year: int) -> date:
    """The day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)
