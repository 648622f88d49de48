"""When a parcel will come: working days from the day it leaves, weekends left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Estimate:
    """The first and the last day on which a parcel is expected."""

    earliest: date
    latest: date


def estimate(leaves: date, min_days: int, max_days: int) -> Estimate:
    """Count working days from the day on which a parcel leaves."""
    return Estimate(_working_days_after(leaves, min_days), _working_days_after(leaves, max_days))


def _working_days_after(day: date, days: int) -> date:
    weeks, rest = divmod(days, 5)
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    day += timedelta(weeks=weeks)
    for _ in range(rest):
        day += timedelta(days=1)
        while day.weekday() >= _SATURDAY:
            day += timedelta(days=1)
    return day
