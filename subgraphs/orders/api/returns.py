"""Returns as buyers and the staff see them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.graphql import Money, UserError
from subgraphs.orders.domain import returns as domain
from subgraphs.orders.domain.returns import RETURN, ItemState, ReturnStatus

strawberry.enum(ReturnStatus, name="OrderReturnStatus", description="Where a return stands.")
strawberry.enum(
    ItemState,
    name="OrderReturnItemState",
    description="What became of the pieces of a line that are sent back; what is missing is not refunded.",
)


@strawberry.type(description="Pieces of a line that are sent back.")
class OrderReturnLine:
    """Pieces of a line that are sent back."""

    line_id: strawberry.ID
    quantity: int
    state: ItemState


@strawberry.type(description="Goods of an order on their way back.")
class OrderReturn:
    """Goods of an order on their way back."""

    id: strawberry.ID
    status: ReturnStatus
    next_statuses: list[ReturnStatus]
    reason: str
    answer: str | None = strawberry.field(description="Why it was refused.")
    lines: list[OrderReturnLine]
    refund: Money = strawberry.field(description="What is given back for it, known when the goods came.")
    credit: Money | None = strawberry.field(description="What of its worth has paid for other goods, in an exchange.")
    replacement_id: strawberry.ID | None = strawberry.field(description="The order that brings those.")
    tracking_number: str | None
    label_url: str | None
    created_at: datetime

    @classmethod
    def of(cls, returned: domain.Return) -> OrderReturn:
        """Show a return."""
        return cls(
            id=strawberry.ID(returned.id),
            status=returned.status,
            next_statuses=list(RETURN.legal(returned.status)),
            reason=returned.reason,
            answer=returned.answer or None,
            lines=[
                OrderReturnLine(line_id=strawberry.ID(line.line_id), quantity=line.quantity, state=line.state)
                for line in returned.lines
            ],
            refund=Money.of(returned.refund),
            credit=Money.maybe(returned.credit),
            replacement_id=None if returned.replacement_id is None else strawberry.ID(returned.replacement_id),
            tracking_number=returned.tracking_number,
            label_url=returned.label_url,
            created_at=returned.created_at,
        )


@strawberry.input(description="Pieces of a line that are to be sent back.")
class OrderReturnLineInput:
    """Pieces of a line that are to be sent back."""

    line_id: strawberry.ID
    quantity: int

    def to_domain(self) -> domain.ReturnLine:
        """Read the line."""
        return domain.ReturnLine(line_id=self.line_id, quantity=self.quantity)


@strawberry.input(description="What is to be sent back, and why.")
class OrderReturnRequestInput:
    """What is to be sent back, and why."""

    lines: list[OrderReturnLineInput]
    reason: str


@strawberry.input(description="How a line of a return came.")
class OrderReturnReceivedLineInput:
    """How a line of a return came."""

    line_id: strawberry.ID
    state: ItemState


@strawberry.type(description="A return after a change.")
class OrderReturnPayload:
    """A return after a change."""

    order_return: OrderReturn | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)
