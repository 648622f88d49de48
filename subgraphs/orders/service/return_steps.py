"""The steps after the sale: goods back to the shelf, a part of the money back, the return closed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import CTE
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.orders.domain.order import EntryKind, TimelineEntry
from subgraphs.orders.domain.ports import Payments, Shipping, Stock
from subgraphs.orders.domain.returns import ASSUMED_GRAMS, ItemState, ReturnStatus, approved, returnable
from subgraphs.orders.domain.saga import Saga, StepName
from subgraphs.orders.domain.status import ORDER, OrderStatus
from subgraphs.orders.service.runner import Done, Outcome
from subgraphs.orders.service.uncompensated import Uncompensated
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage import returns as return_store


class ReturnStock(Uncompensated):
    """Puts what came back to the shelf, or writes it off."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def run(self, saga: Saga) -> Outcome:
        """Take each line back, once for each key."""
        for item in saga.data["items"]:
            key = f"{saga.key(StepName.RETURN_STOCK)}:{item['sku']}"
            await self._stock.take_back(
                saga.order_id, item["sku"], item["quantity"], sellable=item["sellable"], key=key
            )
        return Done()


class RefundAmount(Uncompensated):
    """Gives a part of the money back."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    async def run(self, saga: Saga) -> Outcome:
        """Give it back, from the payments in the order in which they were made."""
        data = saga.data
        if data["amount_minor"]:
            await self._payments.refund_amount(
                data.get("order_ids", (saga.order_id,)),
                Money(data["amount_minor"], data["currency"]),
                data["reason"],
                saga.key(StepName.REFUND_AMOUNT),
            )
        return Done()


class ApproveReturn(Uncompensated):
    """Lets the buyer send back what was exchanged, once its replacement is theirs."""

    def __init__(self, shipping: Shipping, clock: Clock) -> None:
        self._shipping = shipping
        self._clock = clock

    async def run(self, saga: Saga) -> Outcome:
        """Book the parcel and approve the return."""
        exchanged, return_id = saga.data["exchanged_order_id"], saga.data["return_id"]
        label = await self._shipping.return_label(exchanged, return_id, ASSUMED_GRAMS, f"{return_id}:label")

        async def effect(session: AsyncSession) -> Sequence[CTE]:
            await order_store.by_id(session, exchanged, lock=True)
            known = await return_store.by_id(session, return_id)
            if known is None:
                raise LookupError(f"saga without its return {return_id}")
            await return_store.change(session, approved(known, label), self._clock.now())
            entry = TimelineEntry(
                id=new_id("evt"),
                order_id=exchanged,
                kind=EntryKind.RETURN_CHANGED,
                message="An exchange was agreed to; its goods are on their way.",
                at=self._clock.now(),
                actor=saga.data["actor"],
            )
            return (order_store.entry_insertion(entry),)

        return Done(effect=effect)


class CloseReturn(Uncompensated):
    """Notes here that the return is done; with the last piece the whole order is returned."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def run(self, saga: Saga) -> Outcome:
        """Close the return."""

        async def effect(session: AsyncSession) -> Sequence[CTE]:
            order, lines = await order_store.locked_with_lines(session, saga.order_id)
            returns = (await return_store.of_orders(session, [order.id]))[order.id]
            known = next(each for each in returns if each.id == saga.data["return_id"])
            await return_store.change(session, known.to(ReturnStatus.REFUNDED), self._clock.now())
            came = any(line.state is not ItemState.MISSING for each in returns for line in each.lines)
            everything = came and not any(returnable(lines, returns).values())
            changes = everything and ORDER.allowed(order.status, OrderStatus.RETURNED)
            entry = TimelineEntry(
                id=new_id("evt"),
                order_id=order.id,
                kind=EntryKind.RETURNED,
                message="The goods are back.",
                at=self._clock.now(),
                from_status=order.status if changes else None,
                to_status=OrderStatus.RETURNED if changes else None,
            )
            change = (order_store.status_change(order, OrderStatus.RETURNED),) if changes else ()
            return (*change, order_store.entry_insertion(entry))

        return Done(effect=effect)
