"""What an operator can choose about HTTP requests to subgraphs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

ACCEPT = "application/graphql-response+json, application/json"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Settings of the HTTP transports.

    Attributes:
        max_connections: connections to one origin at a time; further requests wait for one to be free.
        max_response_bytes: a larger response is refused, also where it only becomes larger by unpacking.
        idle_seconds: a connection unused for longer is closed.
        compression: whether subgraphs may compress their responses.
        certificates: PEM text of authorities to trust beside the machine's own.
        share: equal queries under way at one time, with equal headers for the same caller, are sent once.
        wanted: tells of the lower-case name of a response's header whether it is kept; None, and none is.
    """

    max_connections: int = 256
    max_response_bytes: int = 64 * 1024 * 1024
    idle_seconds: float = 60.0
    compression: bool = True
    certificates: bytes | None = None
    share: bool = True
    wanted: Callable[[str], bool] | None = None
