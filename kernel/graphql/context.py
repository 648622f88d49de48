"""What a resolver may lean on during one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from kernel.identity import Caller

Service = TypeVar("Service")
Loaders = TypeVar("Loaders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(Generic[Service, Loaders]):
    """One request: who asks, the use cases that answer, and the loaders that live as long as it does.

    A subgraph names its own: `Info = strawberry.Info[Context[OrdersService, OrdersLoaders], None]`.
    """

    caller: Caller
    service: Service
    loaders: Loaders
