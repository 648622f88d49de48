"""How a count scatters around its mean: the negative binomial distribution, given by mean and variance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

_COUNTED: Final = 20_000.0
"""Up to this mean quantiles are counted out; a gamma distribution is as good for larger ones."""

_POISSON: Final = 1e-6
_REACH: Final = 12.0
"""Standard deviations from the mean beyond which nothing is expected."""

_STANDARD: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Spread:
    """A count to come: its mean and its variance, which is never below that of pure chance."""

    mean: float
    variance: float

    def quantile(self, share: float) -> int:
        """Give the least count that is not exceeded with this probability."""
        return _quantile(round(self.mean, 6), round(max(self.variance, self.mean), 6), share)


@lru_cache(maxsize=100_000)
def _quantile(mean: float, variance: float, share: float) -> int:
    if mean <= 0:
        return 0
    if mean > _COUNTED:
        return _gamma_quantile(mean, variance, share)
    excess = variance - mean
    size = mean * mean / excess if excess > _POISSON * mean else None
    deviation = math.sqrt(variance)
    count, last = max(0, int(mean - _REACH * deviation)), mean + 4 * _REACH * deviation + 1
    chance = math.exp(_log_chance(count, mean, size))
    total = chance
    while total < share and count < last:
        chance *= mean / (count + 1) if size is None else (size + count) / (count + 1) * mean / (size + mean)
        total += chance
        count += 1
    return count


def _log_chance(count: int, mean: float, size: float | None) -> float:
    """Give the logarithm of a count's probability; without a size the distribution is Poisson's."""
    if size is None:
        return count * math.log(mean) - mean - math.lgamma(count + 1)
    ways = math.lgamma(count + size) - math.lgamma(count + 1) - math.lgamma(size)
    return ways + size * math.log(size / (size + mean)) + count * math.log(mean / (size + mean))


def _gamma_quantile(mean: float, variance: float, share: float) -> int:
    """Give the quantile of the gamma distribution with these moments (Wilson & Hilferty 1931)."""
    shape = mean * mean / variance
    root = 1 - 1 / (9 * shape) + normal_quantile(share) / (3 * math.sqrt(shape))
    return max(0, math.ceil(mean * max(root, 0.0) ** 3))


def normal_quantile(share: float) -> float:
    """Give the quantile of the standard normal distribution."""
    return _STANDARD.inv_cdf(share)
