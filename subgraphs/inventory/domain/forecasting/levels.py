"""How much a SKU sells in an average week: four ways to say it, each seeing only the past.

Each is run over the weeks with the season as exposure, and gives for every week what it expected of that week before
seeing it, and its level after the last one. Which of them is trusted is decided by those expectations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Run:
    """What a method expected of each week, the level it ended with, and how many sales that level stands on."""

    name: str
    expected: tuple[float, ...]
    level: float
    evidence: float


@dataclass(frozen=True, slots=True)
class Prior:
    """What is expected of a SKU before it has sold anything: the level of its group, worth so many weeks."""

    level: float
    weeks: float


Method = Callable[[Sequence[int], Sequence[float], Prior], Run]


def gamma_poisson(values: Sequence[int], season: Sequence[float], prior: Prior, discount: float) -> Run:
    """Filter counts whose level drifts: sales and exposure are summed, and the past counts less by a discount.

    Harvey & Fernandes, "Time series models for count or qualitative observations", Journal of Business & Economic
    Statistics 7 (1989), with the season as exposure. What a new item has of its group is the first state.
    """
    sales, exposure = prior.level * prior.weeks, prior.weeks
    expected: list[float] = []
    for value, index in zip(values, season, strict=True):
        expected.append(sales / exposure * index)
        sales = discount * sales + value
        exposure = discount * exposure + index
    return Run(f"GammaPoisson({discount:g})", tuple(expected), sales / exposure, sales)


def exponential(values: Sequence[int], season: Sequence[float], prior: Prior, alpha: float) -> Run:
    """Smooth the deseasonalised sales exponentially (Brown 1956): ETS(A,N,N) with a given weight of the newest week."""
    level = prior.level
    expected: list[float] = []
    for value, index in zip(values, season, strict=True):
        expected.append(level * index)
        level += alpha * (value / index - level)
    return Run(f"SES({alpha:g})", tuple(expected), level, level / alpha)


def sba(values: Sequence[int], season: Sequence[float], prior: Prior, alpha: float) -> Run:
    """Smooth sizes and intervals apart, corrected for the bias of their ratio.

    Croston, Operational Research Quarterly 23 (1972), with the correction of Syntetos & Boylan, "The accuracy of
    intermittent demand estimates", International Journal of Forecasting 21 (2005).
    """
    size, interval, since = 0.0, 0.0, 1
    level = prior.level
    expected: list[float] = []
    for value, index in zip(values, season, strict=True):
        expected.append(level * index)
        if not value:
            since += 1
            continue
        demand = value / index
        size = demand if not size else size + alpha * (demand - size)
        interval = float(since) if not interval else interval + alpha * (since - interval)
        level, since = (1 - alpha / 2) * size / interval, 1
    return Run(f"SBA({alpha:g})", tuple(expected), level, level / alpha)


def tsb(values: Sequence[int], season: Sequence[float], prior: Prior, alpha: float) -> Run:
    """Smooth the probability of a sale every week and its size at each sale, so that a dying item is noticed.

    Teunter, Syntetos & Babai, "Intermittent demand: linking forecasting to inventory obsolescence", European Journal
    of Operational Research 214 (2011).
    """
    sizes = [value / index for value, index in zip(values, season, strict=True) if value]
    size = sizes[0] if sizes else 1.0
    probability = min(prior.level / size, 1.0)
    expected: list[float] = []
    for value, index in zip(values, season, strict=True):
        expected.append(probability * size * index)
        probability += alpha * ((1.0 if value else 0.0) - probability)
        if value:
            size += alpha * (value / index - size)
    return Run(f"TSB({alpha:g})", tuple(expected), probability * size, probability * size / alpha)


_DISCOUNTS: Final = (0.88, 0.93, 0.96, 0.98, 0.99)
_ALPHAS: Final = (0.05, 0.15)


def all_runs(values: Sequence[int], season: Sequence[float], prior: Prior) -> Iterator[Run]:
    """Run every method over the weeks."""
    for discount in _DISCOUNTS:
        yield gamma_poisson(values, season, prior, discount)
    for alpha in _ALPHAS:
        yield exponential(values, season, prior, alpha)
        yield sba(values, season, prior, alpha)
        yield tsb(values, season, prior, alpha)
