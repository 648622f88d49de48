"""What tests of subgraphs stand on: a clock that stands still."""

from kernel.testing.clock import FixedClock

__all__ = ["FixedClock"]
