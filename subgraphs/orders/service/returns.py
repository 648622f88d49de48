"""Use cases after the sale: returns item by item, and refunds of a part by the staff.

Whatever moves goods or money is a saga, so that it is carried on after a crash and never done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity import Caller
from kernel.ids import new_id
from kernel.money import Money
from subgraphs.orders.domain.errors import IdempotencyKeyReusedError
from subgraphs.orders.domain.order import EntryKind, Order, OrderLine, TimelineEntry
from subgraphs.orders.domain.ports import Shipping
from subgraphs.orders.domain.returns import (
    ASSUMED_GRAMS,
    ItemState,
    Return,
    ReturnLine,
    ReturnStatus,
    approved,
    check_request,
    receive,
    refund_of,
)
from subgraphs.orders.domain.saga import Saga, SagaKind, start
from subgraphs.orders.service.access import may_see
from subgraphs.orders.service.runner import SagaRunner
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage import returns as store
from subgraphs.orders.storage import sagas as saga_store


class ReturnService:
    """Leads goods back, and gives money back for them."""

    def __init__(self, database: Database, runner: SagaRunner, shipping: Shipping, clock: Clock) -> None:
        self.database = database
        self._runner = runner
        self._shipping = shipping
        self._clock = clock

    async def request(self, caller: Caller, order_id: str, wanted: Sequence[ReturnLine], reason: str) -> Return:
        """Ask to send something back.

        Raises:
            NotFoundError: no such order for this caller.
            OrderNotReturnableError: it has not left yet.
            InvalidInputError: more is named than can be sent back.
        """
        async with self.database.transaction() as session:
            order, lines, earlier = await self._locked(session, caller, order_id)
            check_request(order, lines, earlier, wanted, reason)
            asked = Return(
                id=new_id("ret"),
                order_id=order.id,
                status=ReturnStatus.REQUESTED,
                reason=reason,
                lines=tuple(wanted),
                refund=Money.zero(order.currency),
                created_at=self._clock.now(),
            )
            await store.add(session, asked)
            await self._tell(session, asked, "A return was asked for.", caller)
        return asked

    async def approve(self, caller: Caller, return_id: str) -> Return:
        """Let the buyer send it, with a label where a carrier makes one."""
        known = await self._known(caller, return_id)
        known.to(ReturnStatus.APPROVED)
        label = await self._shipping.return_label(known.order_id, known.id, ASSUMED_GRAMS, f"{known.id}:label")

        return await self._change(
            caller, return_id, lambda returned: approved(returned, label), "The return was approved."
        )

    async def refuse(self, caller: Caller, return_id: str, answer: str) -> Return:
        """Say no, with a word to the buyer."""
        text = answer[:500]

        def refused(returned: Return) -> Return:
            return replace(returned.to(ReturnStatus.REFUSED), answer=text)

        return await self._change(caller, return_id, refused, "The return was refused.")

    async def cancel(self, caller: Caller, return_id: str) -> Return:
        """Take the wish back; the goods stay with the buyer."""
        return await self._change(
            caller, return_id, lambda returned: returned.to(ReturnStatus.CANCELLED), "The return was cancelled."
        )

    async def receive(self, caller: Caller, return_id: str, states: Mapping[str, ItemState]) -> Return:
        """Take in what came, each line in its state: what came goes to stock and is refunded.

        Raises:
            NotFoundError: no such return.
            IllegalTransitionError: goods are not expected now.
            OrderBusyError: other work on the order is not done yet.
        """
        order_id = (await self._known(caller, return_id)).order_id
        async with self.database.transaction() as session:
            order, lines, earlier = await self._locked(session, caller, order_id)
            known = next(each for each in earlier if each.id == return_id)
            received = receive(known, states)
            received = replace(received, refund=refund_of(lines, earlier, received))
            await store.change(session, received, self._clock.now())
            await self._tell(session, received, "The goods came back.", caller)
            data = _facts(order, lines, received) | {"order_ids": await order_store.exchanged_for(session, order)}
            saga = start(new_id("saga"), SagaKind.RETURN, order.id, order.checkout_id, data)
            await self._runner.begin(session, saga, received.id)
        await self._runner.run(saga)
        return await self._known(caller, return_id)

    async def refund(self, caller: Caller, order_id: str, amount: Money, reason: str, key: str) -> Order:
        """Give a part of the money back without goods; once for each key.

        Raises:
            InvalidInputError: the amount is not above zero, too large, or in another currency.
        """
        data = {"amount_minor": amount.minor, "currency": amount.currency, "reason": reason[:200]}
        async with self.database.transaction() as session:
            order, _, _ = await self._locked(session, caller, order_id)
            if (done := await saga_store.by_key(session, order.checkout_id, key)) is not None:
                return _same(done[0], data, order)
            _check_amount(order, amount)
            saga = start(new_id("saga"), SagaKind.PARTIAL_REFUND, order.id, order.checkout_id, data)
            await self._runner.begin(session, saga, key)
        ended = await self._runner.run(saga)
        if ended.failure is not None:
            raise ConflictError(ended.failure.message, code=ended.failure.code)
        return order

    async def _change(self, caller: Caller, return_id: str, change: Callable[[Return], Return], message: str) -> Return:
        order_id = (await self._known(caller, return_id)).order_id
        async with self.database.transaction() as session:
            _, _, returns = await self._locked(session, caller, order_id)
            known = next(each for each in returns if each.id == return_id)
            if known.replacement_id is not None:
                raise ConflictError("It is one half of an exchange, which has been agreed to.", code="INVALID_STATE")
            changed = change(known)
            await store.change(session, changed, self._clock.now())
            await self._tell(session, changed, message, caller)
        return changed

    async def _known(self, caller: Caller, return_id: str) -> Return:
        async with self.database.session() as session:
            known = await store.by_id(session, return_id)
            order = None if known is None else await order_store.by_id(session, known.order_id)
        if known is None or order is None or not may_see(caller, order.customer_id):
            raise NotFoundError("No such return.", path=("id",))
        return known

    async def _locked(
        self, session: AsyncSession, caller: Caller, order_id: str
    ) -> tuple[Order, tuple[OrderLine, ...], list[Return]]:
        """Lock an order and read it with its lines and returns; whoever changes one of them comes through here."""
        order = await order_store.by_id(session, order_id, lock=True)
        if order is None or not may_see(caller, order.customer_id):
            raise NotFoundError("No such order.", path=("id",))
        lines = (await order_store.lines_of(session, [order_id]))[order_id]
        return order, tuple(lines), (await store.of_orders(session, [order_id])).get(order_id, [])

    async def _tell(self, session: AsyncSession, returned: Return, message: str, caller: Caller) -> None:
        entry = TimelineEntry(
            id=new_id("evt"),
            order_id=returned.order_id,
            kind=EntryKind.RETURN_CHANGED,
            message=message,
            at=self._clock.now(),
            actor=caller.id or "guest",
        )
        await order_store.tell(session, entry)


def _facts(order: Order, lines: Sequence[OrderLine], received: Return) -> dict[str, Any]:
    skus = {line.id: line.sku for line in lines}
    return {
        "return_id": received.id,
        "reason": received.reason[:200],
        "amount_minor": received.refund.minor,
        "currency": order.currency,
        "items": [
            {"sku": skus[line.line_id], "quantity": line.quantity, "sellable": line.state is ItemState.SELLABLE}
            for line in received.lines
            if line.state is not ItemState.MISSING
        ],
    }


def _same(saga: Saga, data: Mapping[str, Any], order: Order) -> Order:
    if any(saga.data.get(name) != value for name, value in data.items()):
        raise IdempotencyKeyReusedError
    return order


def _check_amount(order: Order, amount: Money) -> None:
    left = order.refundable
    if amount.currency != order.currency or not 0 < amount.minor <= left.minor:
        raise InvalidInputError(f"From the smallest amount to {left} can be refunded.", path=("input", "amount"))
