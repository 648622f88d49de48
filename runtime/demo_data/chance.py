"""Chance that repeats itself: every part of the demo data draws from its own stream of one seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import Generic, TypeVar

Choice = TypeVar("Choice")


def stream(seed: int, part: str) -> random.Random:
    """Open the stream of one part; parts do not disturb each other when one of them draws more."""
    return random.Random(f"{seed}:{part}")  # noqa: S311 # believable, not secret


class Ids:
    """Makes ids of the shop's shape, a prefix and a UUIDv7, from chance instead of the clock."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def new(self, prefix: str, at: datetime) -> str:
        """Make an id that was born at an instant."""
        bits = self._chance.getrandbits(74)
        high = int(at.timestamp() * 1000) << 16 | 0x7000 | bits >> 62
        low = 0b10 << 62 | bits & (1 << 62) - 1
        return f"{prefix}_{high:016x}{low:016x}"


class Weighted(Generic[Choice]):
    """Things that are drawn as often as their weight says."""

    def __init__(self, things: Sequence[Choice], weights: Sequence[float]) -> None:
        self.things = things
        self._cumulative = list(accumulate(weights))

    def draw(self, chance: random.Random) -> Choice:
        """Draw one of them."""
        return chance.choices(self.things, cum_weights=self._cumulative)[0]


def zipf(things: Sequence[Choice], exponent: float = 0.8) -> Weighted[Choice]:
    """Weigh things so that the first ones are the favourites and a long tail is rarely wanted."""
    return Weighted(things, [1 / (rank + 1) ** exponent for rank in range(len(things))])
