"""What bounds a stream from a subgraph."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bounds on one stream.

    Attributes:
        connect_seconds: until it must be open.
        idle_seconds: without any sign of life until it is taken for broken.
        max_event_bytes: size of one event; a larger one breaks the stream.
    """

    connect_seconds: float = 10.0
    idle_seconds: float = 60.0
    max_event_bytes: int = 4 * 1024 * 1024
