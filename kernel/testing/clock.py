"""A clock that only moves when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FixedClock:
    """Stands still at an instant until `advance` or `set` moves it."""

    def __init__(self, now: datetime = datetime(2026, 6, 1, 12, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        """Tell the instant at which the clock stands."""
        return self._now

    def set(self, now: datetime) -> None:
        """Move to an instant."""
        self._now = now

    def advance(self, by: timedelta | None = None, *, seconds: float = 0) -> None:
        """Move forward by a span of time."""
        self._now += (by or timedelta()) + timedelta(seconds=seconds)
