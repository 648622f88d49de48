"""How good a forecast was, in measures that can be compared between SKUs.

MASE and its scale: Hyndman & Koehler, "Another look at measures of forecast accuracy", International Journal of
Forecasting 22 (2006). RMSSE: Makridakis, Spiliotis & Assimakopoulos, "The M5 accuracy competition" (2022).
The median of what may come minimises absolute errors, the mean squared ones; so each is judged by its own measure
(Kolassa, "Why the best point forecast depends on the error or accuracy measure", IJF 36 (2020)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise


def mase_scale(history: Sequence[float]) -> float:
    """Give the mean absolute error of the naive forecast, each week like the one before, within the history."""
    steps = [abs(now - before) for before, now in pairwise(history)]
    return sum(steps) / len(steps) if steps else 0.0


def rmsse_scale(history: Sequence[float]) -> float:
    """Give the root mean squared error of the naive forecast within the history."""
    steps = [(now - before) ** 2 for before, now in pairwise(history)]
    return math.sqrt(sum(steps) / len(steps)) if steps else 0.0


def mean_absolute_error(forecast: Sequence[float], actual: Sequence[float]) -> float:
    """Give the mean absolute error."""
    return sum(abs(f - a) for f, a in zip(forecast, actual, strict=True)) / len(actual)


def root_mean_squared_error(forecast: Sequence[float], actual: Sequence[float]) -> float:
    """Give the root of the mean squared error."""
    return math.sqrt(sum((f - a) ** 2 for f, a in zip(forecast, actual, strict=True)) / len(actual))


def pinball(quantile: float, share: float, actual: float) -> float:
    """Give the loss of a quantile: too low costs `share` a unit, too high `1 - share`."""
    return (actual - quantile) * share if actual >= quantile else (quantile - actual) * (1 - share)
