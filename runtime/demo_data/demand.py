"""Makes what the merchant's other channels sold: three years of weekly demand of each SKU, as a merchant imports it.

The online orders of the demo are few for each SKU; a shop of this size sells most in its stores. The process is made
of what is known to drive retail demand, and knows nothing of how it will be forecast:

- popularity: lognormal over SKUs, so that a few sell daily and a long tail sells rarely;
- season: the shelf's curve over the months, followed by each SKU more or less strongly and some days early or late;
- trend: the shop's growth and a random walk of each SKU's own level, so that fashions come and go;
- peaks: Black Friday week for all, and for each SKU some promotions a year at dates that nobody can foresee;
- lumps: one SKU in ten is bought by trade customers, seldom and by the dozen;
- ends and gaps: one in twelve fades out, and shelves are empty now and then: then nothing is sold;
- chance: counts are gamma-Poisson, more scattered than Poisson.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Self

from runtime.demo_data.catalogue import Catalogue, Item, black_friday
from runtime.demo_data.chance import stream
from subgraphs.inventory.storage.demand import SoldElsewhere

CHANNEL: Final = "stores"
WEEKS: Final = 156
_POPULARITY: Final = (0.3, 1.1)
_WALK: Final = 0.025
_LUMPY: Final = 0.1
_FADING: Final = 1 / 12
_EMPTY: Final = 0.008
_GROWTH_A_YEAR: Final = 0.2
_PEAK: Final = 1.9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Habit:
    """How one SKU sells."""

    rate: float
    season_strength: float
    season_shift: float
    """In months."""

    dispersion: float
    lump: int
    fades_at: int | None


@dataclass(frozen=True, slots=True)
class _Week:
    """A week of the calendar: where it stands in the year, and whether it is that of Black Friday."""

    monday: date
    place: float
    """Months since the middle of January."""

    peak: float

    @classmethod
    def of(cls, monday: date) -> Self:
        middle = monday + timedelta(days=3)
        friday = black_friday(monday.year).date()
        peak = _PEAK if monday <= friday < monday + timedelta(days=7) else 1.0
        return cls(monday, middle.month - 1 + (middle.day - 15) / 30.4, peak)

    def climate(self, item: Item, habit: _Habit) -> float:
        """Tell by how much the week is better or worse than an average one, between the values of two months."""
        left, share = divmod(self.place + habit.season_shift, 1.0)
        months = item.shelf.season
        season = months[int(left) % 12] * (1 - share) + months[int(left + 1) % 12] * share
        return season**habit.season_strength * self.peak


def make_demand(seed: int, catalogue: Catalogue, now: datetime) -> tuple[SoldElsewhere, ...]:
    """Make the weeks in which a SKU was sold, up to the last Monday before `now`."""
    chance = stream(seed, "demand")
    end = now.date() - timedelta(days=now.weekday())
    weeks = [_Week.of(end - timedelta(weeks=WEEKS - number)) for number in range(WEEKS)]
    return tuple(
        row for item in catalogue.items for variant in item.variants for row in _sell(chance, item, variant.sku, weeks)
    )


def _sell(chance: random.Random, item: Item, sku: str, weeks: Sequence[_Week]) -> Iterator[SoldElsewhere]:
    habit = _habit(chance)
    begin = _first_week(item, weeks)
    promotions = _promotions(chance, len(weeks))
    level, empty = 0.0, 0
    for number in range(begin, len(weeks)):
        level += chance.gauss(0, _WALK)
        empty = max(empty - 1, chance.randint(1, 3) if chance.random() < _EMPTY else 0)
        growth = (1 + _GROWTH_A_YEAR) ** ((number - len(weeks)) / 52)
        climate = weeks[number].climate(item, habit) * promotions.get(number, 1.0)
        wanted = habit.rate * growth * math.exp(level) * climate
        if habit.fades_at is not None and number > habit.fades_at:
            wanted *= 0.85 ** (number - habit.fades_at)
        sold = 0 if empty else _count(chance, wanted / habit.lump, habit.dispersion) * habit.lump
        if sold:
            yield SoldElsewhere(sku=sku, channel=CHANNEL, week=weeks[number].monday, quantity=sold)


def _habit(chance: random.Random) -> _Habit:
    lumpy = chance.random() < _LUMPY
    return _Habit(
        rate=chance.lognormvariate(*_POPULARITY),
        season_strength=chance.uniform(0.5, 1.3),
        season_shift=chance.gauss(0, 0.33),
        dispersion=chance.uniform(1.5, 8.0),
        lump=chance.choice((6, 12, 24)) if lumpy else 1,
        fades_at=chance.randrange(WEEKS // 2, WEEKS) if chance.random() < _FADING else None,
    )


def _first_week(item: Item, weeks: Sequence[_Week]) -> int:
    """What was there when the online shop opened was in the stores before."""
    opened = weeks[-1].monday - timedelta(days=700)
    if item.launched_at.date() < opened:
        return 0
    return min(max((item.launched_at.date() - weeks[0].monday).days // 7, 0), len(weeks) - 1)


def _promotions(chance: random.Random, weeks: int) -> dict[int, float]:
    """Draw two or three promotions a year, each of one to three weeks."""
    uplifts: dict[int, float] = {}
    for _ in range(round(weeks / 52 * chance.uniform(1.5, 3.0))):
        begin, uplift = chance.randrange(weeks), chance.uniform(1.3, 2.8)
        uplifts.update(dict.fromkeys(range(begin, begin + chance.randint(1, 3)), uplift))
    return uplifts


def _count(chance: random.Random, mean: float, dispersion: float) -> int:
    """Draw a gamma-Poisson count: the mean itself scatters from week to week."""
    mean = chance.gammavariate(dispersion, mean / dispersion)
    if mean > 30:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    threshold, product, count = math.exp(-mean), chance.random(), 0
    while product > threshold:
        product *= chance.random()
        count += 1
    return count
