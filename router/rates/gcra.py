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
from functools import cached_property
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


class Charges(tuple[Charge, ...]):
    """What one request takes: all of it, or nothing."""

    @cached_property
    def policies(self) -> bytes:
        """The rates, as they are told in a header."""
        return ", ".join([each.rate.policy for each in self]).encode()


class Standing(NamedTuple):
    """How a charge stands: microseconds to wait for it (0: none), and until all is earned again."""

    wait: int
    level: int


def standings_of(charges: Charges, levels: Sequence[int], held: int, number: int) -> list[Standing]:
    """Tell how the charges of one of several equal requests stand, which were counted together.

    Args:
        charges: what each of them takes.
        levels: where these stood before.
        held: how many of the requests held.
        number: which of them this is, from 0 on.
    """
    if number < held:
        return [Standing(0, level + each.step * (number + 1)) for level, each in zip(levels, charges, strict=True)]
    found = []
    for before, each in zip(levels, charges, strict=True):
        level = before + each.step * held
        found.append(Standing(max(level + each.step - max(each.tolerance, each.step), 0), level))
    return found


SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local told = {}
local first = 1
while first <= #KEYS do
  local last, held = first + ARGV[first * 4 - 1] - 1, tonumber(ARGV[first * 4])
  local level = {}
  for i = first, last do
    local step, tolerance = tonumber(ARGV[i * 4 - 3]), tonumber(ARGV[i * 4 - 2])
    level[i] = math.max(tonumber(redis.call('GET', KEYS[i]) or '0') - now, 0)
    if step > 0 then
      held = math.max(math.min(held, math.floor((math.max(tolerance, step) - level[i]) / step)), 0)
    end
  end
  told[#told + 1] = held
  for i = first, last do
    told[#told + 1] = level[i]
    local after = level[i] + tonumber(ARGV[i * 4 - 3]) * held
    if held > 0 and after > 0 then
      redis.call('SET', KEYS[i], string.format('%.0f', now + after), 'PX', math.ceil(after / 1000))
    end
  end
  first = last + 1
end
return told
"""
"""The same for Redis, for many requests at once, of which equal ones are counted together.

Each key has four arguments: what to take and what may be taken at once, in microseconds, how many keys its request has,
and how many such requests there are. For each kind of request it answers how many of them hold, and for each of its
keys where that stood before.
"""


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
        """Take what a request takes: each of its charges must hold, or nothing is taken."""
        now = int(self._clock() * 1_000_000)
        moments, share = self._moments, self._share
        standings = []
        holds = True
        for key, _, step, tolerance in charges:
            step *= share  # noqa: PLW2901 - what is earned is divided
            level = moments.get(key, 0) - now
            level = max(level, 0)
            wait = level + step - (max(step, tolerance))
            if wait > 0:
                holds = False
            standings.append(Standing(max(0, wait), level))
        if not holds:
            return standings
        taken = []
        for (key, _, step, _), (_, level) in zip(charges, standings, strict=True):
            level += step * share  # noqa: PLW2901
            moments[key] = now + level
            moments.move_to_end(key)
            taken.append(Standing(0, level))
        while len(moments) > MOST_KEYS:
            moments.popitem(last=False)
        return taken
