"""Changes after the sale: returns for buyers and staff, refunds of a part by the staff."""

from __future__ import annotations

from collections.abc import Awaitable

import strawberry

from kernel.graphql import MoneyInput
from kernel.identity import require
from subgraphs.orders.api.context import Info
from subgraphs.orders.api.errors import attempt
from subgraphs.orders.api.orders import Order
from subgraphs.orders.api.payloads import OrderPayload
from subgraphs.orders.api.returns import (
    OrderReturn,
    OrderReturnPayload,
    OrderReturnReceivedLineInput,
    OrderReturnRequestInput,
)
from subgraphs.orders.domain import order as order_domain
from subgraphs.orders.domain import returns as domain


@strawberry.type
class AfterSaleMutations:
    """Changes after the sale."""

    @strawberry.mutation(description="Ask to send something back of an order that has left.")
    async def order_return_request(
        self, info: Info, order_id: strawberry.ID, input: OrderReturnRequestInput
    ) -> OrderReturnPayload:
        """Ask to send something back."""
        wanted = [line.to_domain() for line in input.lines]
        returns = info.context.service.returns
        return await _returned(returns.request(info.context.caller, order_id, wanted, input.reason))

    @strawberry.mutation(description="Take the wish to send something back back.")
    async def order_return_cancel(self, info: Info, id: strawberry.ID) -> OrderReturnPayload:
        """Take the wish back."""
        return await _returned(info.context.service.returns.cancel(info.context.caller, id))

    @strawberry.mutation(description="Let the buyer send it, with a label; for staff.")
    async def order_return_approve(self, info: Info, id: strawberry.ID) -> OrderReturnPayload:
        """Approve a return."""
        require(info.context.caller, kinds={"staff", "admin"})
        return await _returned(info.context.service.returns.approve(info.context.caller, id))

    @strawberry.mutation(description="Refuse a return, with a word to the buyer; for staff.")
    async def order_return_refuse(self, info: Info, id: strawberry.ID, answer: str) -> OrderReturnPayload:
        """Refuse a return."""
        require(info.context.caller, kinds={"staff", "admin"})
        return await _returned(info.context.service.returns.refuse(info.context.caller, id, answer))

    @strawberry.mutation(
        description="Take in what came: it goes to stock or is written off, and is refunded; for staff."
    )
    async def order_return_receive(
        self, info: Info, id: strawberry.ID, lines: list[OrderReturnReceivedLineInput]
    ) -> OrderReturnPayload:
        """Take in what came."""
        require(info.context.caller, kinds={"staff", "admin"})
        states = {str(line.line_id): line.state for line in lines}
        return await _returned(info.context.service.returns.receive(info.context.caller, id, states))

    @strawberry.mutation(
        description="Give a part of the money back without goods, once for each key; needs the scope `payments:refund`."
    )
    async def order_refund(
        self, info: Info, id: strawberry.ID, amount: MoneyInput, reason: str, idempotency_key: str
    ) -> OrderPayload:
        """Give a part of the money back."""
        require(info.context.caller, kinds={"staff", "admin"}, scopes={"payments:refund"})

        async def refund() -> order_domain.Order:
            money = amount.to_domain("amount")
            return await info.context.service.returns.refund(info.context.caller, id, money, reason, idempotency_key)

        order, errors = await attempt(refund())
        return OrderPayload(order=Order.of(order) if order else None, errors=errors)


async def _returned(change: Awaitable[domain.Return]) -> OrderReturnPayload:
    returned, errors = await attempt(change)
    return OrderReturnPayload(order_return=OrderReturn.of(returned) if returned else None, errors=errors)
