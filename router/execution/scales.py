"""How much memory values take that were read from JSON.

To look at every value each time would cost more than a bound on memory is worth. But values that were made by the same
piece of work are alike: so they are weighed once, and again when there are many more of them; in between their weight
goes by the length of their text.
"""

from __future__ import annotations

import sys
from typing import Any

OWN_SIZE = 16
"""What the garbage collector adds to each container."""
GROWTH = 2


class Scales:
    """Weighs the values of one program."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: dict[int, tuple[int, int]] = {}

    def weigh(self, work: int, value: Any, length: int) -> int:
        """Return how many bytes a value takes.

        Args:
            work: what kind of value it is; those of one kind are alike.
            value: the value.
            length: the length of a text that grows with it.
        """
        weight, measured = self._samples.get(work, (0, 0))
        if length > measured * GROWTH:
            weight, measured = weight_of(value), length
            self._samples[work] = weight, measured
        return weight * length // measured if measured else weight


def weight_of(value: Any) -> int:
    """Return how many bytes a value as JSON knows them takes; what it holds twice counts once."""
    weight = 0
    seen: set[int] = set()
    pending = [value]
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        weight += sys.getsizeof(each)
        if type(each) is dict:
            weight += OWN_SIZE
            pending.extend(each)
            pending.extend(each.values())
        elif type(each) is list:
            weight += OWN_SIZE
            pending.extend(each)
    return weight
