"""What mutations of orders answer with."""

from __future__ import annotations

import strawberry

from kernel.graphql import UserError
from subgraphs.orders.api.orders import Order


@strawberry.type(description="An order after a change; in status PAYMENT its payment is not known yet.")
class OrderPayload:
    """An order after a change."""

    order: Order | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)
