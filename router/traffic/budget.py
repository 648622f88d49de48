"""A budget of additional requests: a share of the usual ones, with a reserve for bad moments.

When a subgraph is down, every request to it would be sent again. With a budget, those that it cannot answer stay nearly
as many as they were.
"""

from __future__ import annotations


class Budget:
    """How many additional requests there may be.

    Args:
        share: what each usual request adds.
        reserve: how much can be saved up; it is there from the beginning.
    """

    __slots__ = ("_left", "_reserve", "_share")

    def __init__(self, share: float, reserve: float) -> None:
        self._share = share
        self._reserve = max(reserve, 1.0)
        self._left = self._reserve

    def earn(self) -> None:
        """Take note of a usual request."""
        self._left = min(self._left + self._share, self._reserve)

    def spend(self) -> bool:
        """Take one additional request out, if there is one."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
