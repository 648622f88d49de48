"""How long log-in rests after failures: not at all for the first few, then longer each time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LockoutPolicy:
    """Attempts are free until `free_attempts` of them failed; then each failure doubles the rest, up to a bound.

    Failures are forgotten `forget_after` the last one, or when the right password comes.
    """

    free_attempts: int = 5
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(minutes=15)
    forget_after: timedelta = timedelta(hours=24)
