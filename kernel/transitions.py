"""State machines as one table: which state may follow which, and a refusal that names the legal ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from kernel.errors import ConflictError

S = TypeVar("S", bound=StrEnum)


class IllegalTransitionError(ConflictError):
    """The state has no such next state; `legal` names those that it has."""

    default_code = "INVALID_STATE"

    def __init__(self, what: str, current: str, wanted: str, legal: tuple[str, ...]) -> None:
        may = f"it may become {', '.join(legal)}" if legal else "that state is final"
        super().__init__(f"{what} is {current} and cannot become {wanted}: {may}.")
        self.current = current
        self.wanted = wanted
        self.legal = legal


@dataclass(frozen=True, slots=True)
class Transitions(Generic[S]):
    """The whole life of one kind of thing: each state with the states that may follow it."""

    what: str
    table: Mapping[S, frozenset[S]]

    def __post_init__(self) -> None:
        unlisted = {state for legal in self.table.values() for state in legal} - set(self.table)
        if unlisted:
            raise ValueError(f"states without a row of their own: {sorted(unlisted)}")

    def legal(self, current: S) -> tuple[S, ...]:
        """Name the states that may follow, in the order of the table."""
        return tuple(state for state in self.table if state in self.table[current])

    def allowed(self, current: S, wanted: S) -> bool:
        """Tell whether `wanted` may follow `current`."""
        return wanted in self.table[current]

    def check(self, current: S, wanted: S) -> S:
        """Return `wanted` when it may follow `current`.

        Raises:
            IllegalTransitionError: it may not; the error names the states that may.
        """
        if not self.allowed(current, wanted):
            raise IllegalTransitionError(self.what, current, wanted, self.legal(current))
        return wanted

    def before(self, wanted: S) -> tuple[S, ...]:
        """Name the states that `wanted` may follow."""
        return tuple(state for state in self.table if wanted in self.table[state])
