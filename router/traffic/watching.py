"""Who is told what the traffic does by itself, so that operators see it."""

from __future__ import annotations

from typing import Literal, Protocol

State = Literal["closed", "open", "half_open"]
"""The state of a circuit breaker."""

Refusal = Literal["circuit_open", "queue_full", "waited_too_long"]
"""Why a request was not sent."""


class TrafficWatcher(Protocol):
    """Hears of what happens to requests to subgraphs, besides being answered."""

    def breaker_turned(self, subgraph: str, state: State) -> None:
        """A circuit breaker has changed its state; told once at its beginning too."""
        ...

    def refused(self, subgraph: str, why: Refusal) -> None:
        """A request was not sent."""
        ...

    def retried(self, subgraph: str) -> None:
        """A request is sent again."""
        ...

    def hedged(self, subgraph: str) -> None:
        """A request is sent a second time while the first is under way."""
        ...


class Nobody:
    """Hears of nothing."""

    def breaker_turned(self, subgraph: str, state: State) -> None:
        """Pass over."""

    def refused(self, subgraph: str, why: Refusal) -> None:
        """Pass over."""

    def retried(self, subgraph: str) -> None:
        """Pass over."""

    def hedged(self, subgraph: str) -> None:
        """Pass over."""
