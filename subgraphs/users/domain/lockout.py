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


PER_ADDRESS: LockoutPolicy = LockoutPolicy(free_attempts=30, forget_after=timedelta(hours=1))
"""What one network address may fail at, over all accounts: a household or an office shares one, a botnet does not."""

MAILS: LockoutPolicy = LockoutPolicy(
    free_attempts=3, first_delay=timedelta(seconds=30), longest_delay=timedelta(hours=1)
)
"""How many mails may be asked for under one e-mail address; asking counts, there is nothing to succeed in."""
