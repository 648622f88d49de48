"""Sharing one attempt among all who ask for the same at the same time."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from router.traffic.calls import Begin, Call, Done

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class InFlight(Generic[K, V]):
    """The attempts under way, by what makes two of them the same.

    Everyone who takes part may leave; an attempt is given up when nobody is left.
    """

    __slots__ = ("_attempts",)

    def __init__(self) -> None:
        self._attempts: dict[K, Attempt[K, V]] = {}

    def __len__(self) -> int:
        return len(self._attempts)

    def get(self, key: K) -> Attempt[K, V] | None:
        """Return the attempt that there is under a key, if any."""
        return self._attempts.get(key)

    def share(self, key: K, begin: Begin[V], done: Done[V], about: object = None) -> Call:
        """Take part in the attempt under a key; it is begun if there is none.

        Args:
            key: what makes two attempts the same.
            begin: begins one.
            done: takes what came of it.
            about: what others may want to know of an attempt that they find.
        """
        attempt = self._attempts.get(key)
        if attempt is None:
            attempt = Attempt(self._attempts, key, about)
            attempt.call = begin(attempt.land)
            self._attempts[key] = attempt
        return attempt.seat(done)


class Attempt(Generic[K, V]):
    """One attempt and those who take part in it.

    In the end it lets go of all it holds: what is left in circles is left to the garbage collector, which takes longer
    over it than all this does over the request.
    """

    __slots__ = ("_among", "_key", "_left", "_seats", "about", "call")

    call: Call

    def __init__(self, among: dict[K, Attempt[K, V]], key: K, about: object) -> None:
        self.about = about
        self._among = among
        self._key = key
        self._seats: list[_Seat[K, V]] = []
        self._left = 0

    def seat(self, done: Done[V]) -> _Seat[K, V]:
        """Take part."""
        seat = _Seat(self, done)
        self._seats.append(seat)
        return seat

    def land(self, result: V | BaseException) -> None:
        """Tell everyone what came of it; who leaves even while that goes on is not told."""
        del self._among[self._key], self.call
        seats = self._seats
        self._seats = []
        for seat in seats:
            done, seat.done = seat.done, None
            if done is not None:
                done(result)

    def leave(self) -> None:
        """Take note that one has left."""
        self._left += 1
        if self._left == len(self._seats):
            del self._among[self._key]
            self._seats.clear()
            self.call.cancel()
            del self.call


class _Seat(Generic[K, V]):
    """The part that one has in an attempt: who is to be told, until they were told or left."""

    __slots__ = ("_attempt", "done")

    def __init__(self, attempt: Attempt[K, V], done: Done[V]) -> None:
        self._attempt = attempt
        self.done: Done[V] | None = done

    def cancel(self) -> None:
        """Leave."""
        if self.done is not None:
            self.done = None
            self._attempt.leave()
