"""How a count scatters around its mean: the negative binomial distribution, given by mean and variance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

_NORMAL_FROM: Final = 400.0
_POISSON: Final = 1e-6
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
    if mean > _NORMAL_FROM:
        return max(0, math.ceil(mean + normal_quantile(share) * math.sqrt(variance) - 0.5))
    excess = variance - mean
    size = mean * mean / excess if excess > _POISSON * mean else None
    chance = math.exp(-mean) if size is None else math.exp(size * math.log(size / (size + mean)))
    total, count = chance, 0
    while total < share and count < 100_000:
        chance *= mean / (count + 1) if size is None else (size + count) / (count + 1) * mean / (size + mean)
        total += chance
        count += 1
    return count


def normal_quantile(share: float) -> float:
    """Give the quantile of the standard normal distribution."""
    return _STANDARD.inv_cdf(share)
