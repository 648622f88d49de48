"""The generic cell rate algorithm: counting without windows, with one number for each key.

That number is the moment at which all that was taken will have been earned again. What is taken moves it on by as much
as that takes to earn; it must not lie farther ahead than what may be taken at once takes to earn. Times are whole
microseconds, here and in the script for Redis, which does the same with the clock of Redis, so that all routers agree.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, NamedTuple

MOST_KEYS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Rate:
    """How much may be taken.

    Attributes:
        name: of the rule.
        limit: how much in `seconds`.
        seconds: the span of time.
        burst: how much at once.
        interval: microseconds in which one is earned.
        policy: how it is told in a header.
    """

    name: str
    limit: int
    seconds: float
    burst: int
    interval: float
    policy: str

    @classmethod
    def of(cls, name: str, limit: int, seconds: float, burst: int | None = None) -> Rate:
        """Return the rate of a rule."""
        policy = f'"{name}";q={limit};w={ceil(seconds)}'
        return cls(name, limit, seconds, burst or limit, seconds * 1_000_000 / limit, policy)


class Charge(NamedTuple):
    """What is to be taken under one key.

    Attributes:
        key: the key.
        rate: how much may be taken.
        step: microseconds in which what is taken is earned.
        tolerance: microseconds in which is earned what may be taken at once.
    """

    key: str
    rate: Rate
    step: int
    tolerance: int

    @classmethod
    def of(cls, key: str, rate: Rate, amount: float) -> Charge:
        """Return the charge of an amount."""
        return cls(key, rate, round(amount * rate.interval), round(rate.burst * rate.interval))


class Standing(NamedTuple):
    """How a charge stands: microseconds to wait for it (0: none), and until all is earned again."""

    wait: int
    level: int


def decide(moments: Sequence[int], charges: Sequence[Charge], now: int, share: int = 1) -> list[Standing]:
    """Tell how the charges of one request stand: each of them must hold, or nothing is taken.

    Args:
        moments: what is stored under their keys.
        charges: what is to be taken.
        now: the time.
        share: among how many what may be taken is divided.
    """
    standings = []
    for moment, each in zip(moments, charges, strict=True):
        step = each.step * share
        ahead = max(moment - now, 0)
        excess = ahead + step - max(each.tolerance, step)
        standings.append(Standing(max(excess, 0), ahead))
    if any(each.wait for each in standings):
        return standings
    return [Standing(0, each.level + charge.step * share) for each, charge in zip(standings, charges, strict=True)]


SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local told = {}
local first = 1
while first <= #KEYS do
  local last = first + ARGV[first * 3] - 1
  local refused = false
  for i = first, last do
    local step, tolerance = tonumber(ARGV[i * 3 - 2]), tonumber(ARGV[i * 3 - 1])
    local ahead = math.max(tonumber(redis.call('GET', KEYS[i]) or '0') - now, 0)
    local wait = math.max(ahead + step - math.max(tolerance, step), 0)
    refused = refused or wait > 0
    told[i * 2 - 1], told[i * 2] = wait, ahead
  end
  if not refused then
    for i = first, last do
      local level = told[i * 2] + tonumber(ARGV[i * 3 - 2])
      told[i * 2] = level
      if level > 0 then
        redis.call('SET', KEYS[i], string.format('%.0f', now + level), 'PX', math.ceil(level / 1000))
      end
    end
  end
  first = last + 1
end
return told
"""
"""The same for Redis, for many requests at once. Each key has three arguments: what to take and what may be taken at
once, in microseconds, and how many keys its request has. It answers two numbers for each key: those of a `Standing`."""


class MemoryCounter:
    """Counts in this process.

    Args:
        share: among how many processes what may be taken is divided.
        clock: tells the time in seconds.
    """

    def __init__(self, share: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._moments: OrderedDict[str, int] = OrderedDict()

    def take(self, charges: Sequence[Charge]) -> list[Standing]:
        """Take what a request takes, if it may."""
        now = int(self._clock() * 1_000_000)
        moments = [self._moments.get(each.key, 0) for each in charges]
        standings = decide(moments, charges, now, self._share)
        if not any(each.wait for each in standings):
            for charge, standing in zip(charges, standings, strict=True):
                self._moments[charge.key] = now + standing.level
                self._moments.move_to_end(charge.key)
            while len(self._moments) > MOST_KEYS:
                self._moments.popitem(last=False)
        return standings
