"""Use cases of changing an order before it leaves: what it would cost, and doing so, exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.identity import Caller, refuse_impersonation
from kernel.ids import new_id
from subgraphs.orders.domain.changes import Change, change, unknown_skus
from subgraphs.orders.domain.errors import OrderBusyError
from subgraphs.orders.domain.order import Order, OrderLine
from subgraphs.orders.domain.ports import Catalogue
from subgraphs.orders.domain.saga import Saga, SagaKind, StepName, start
from subgraphs.orders.domain.tax import TaxProvider
from subgraphs.orders.service.access import may_see
from subgraphs.orders.service.destinations import spell
from subgraphs.orders.service.runner import SagaRunner
from subgraphs.orders.service.settlement import Settlement, replayed, succeeded
from subgraphs.orders.storage import edits as store
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage import sagas as saga_store


@dataclass(frozen=True, slots=True)
class Edited:
    """An order after a change was asked for; it is not applied yet where its payment is not known."""

    order: Order
    applied: bool


class EditService:
    """Changes what is in an order."""

    def __init__(self, database: Database, catalogue: Catalogue, taxes: TaxProvider, runner: SagaRunner) -> None:
        self.database = database
        self._catalogue = catalogue
        self._taxes = taxes
        self._runner = runner

    async def preview(self, caller: Caller, order_id: str, wanted: Mapping[str, int]) -> Change:
        """Work out what an order would be and what is due for that; nothing is changed or held.

        Raises:
            NotFoundError: no such order for this caller.
            DomainError: it cannot be changed so.
        """
        async with self.database.session() as session:
            order, lines = await self._read(session, caller, order_id)
        return await self._change(order, lines, wanted)

    async def confirm(self, caller: Caller, order_id: str, wanted: Mapping[str, int], settlement: Settlement) -> Edited:
        """Change an order as its preview said: stock, money, lines, parcels; once for each key.

        Raises:
            NotFoundError: no such order for this caller.
            ForbiddenError: somebody of the shop acts in the buyer's name.
            PriceChangedError: another amount is due by now.
            OrderBusyError: other work on the order is not done yet.
            InsufficientStockError: there is too little of something; nothing has changed.
            PaymentDeclinedError: the difference was not paid; nothing has changed.
            DomainError: it cannot be changed so.
        """
        refuse_impersonation(caller)
        settlement.check()
        fingerprint = settlement.fingerprint("edit", order_id, sorted(wanted.items()))
        async with self.database.session() as session:
            order, lines = await self._read(session, caller, order_id)
            started = await saga_store.by_key(session, order.checkout_id, settlement.key)
        if started is not None:
            return self._edited(replayed(started, fingerprint), order)
        changed = await self._change(order, lines, wanted)
        settlement.check_difference(caller, order, changed.difference)
        saga = _saga(caller, order, lines, changed, settlement)
        async with self.database.transaction() as session:
            known, _ = await self._read(session, caller, order_id, lock=True)
            if (known.revision, known.status) != (order.revision, order.status):
                raise OrderBusyError
            await self._runner.begin(session, saga, settlement.key, fingerprint)
        ended = succeeded(await self._runner.run(saga))
        async with self.database.session() as session:
            order, _ = await self._read(session, caller, order_id)
        return self._edited(ended, order)

    def _edited(self, saga: Saga, order: Order) -> Edited:
        return Edited(order, applied=saga.past_its_pivot)

    async def _change(self, order: Order, lines: tuple[OrderLine, ...], wanted: Mapping[str, int]) -> Change:
        skus = unknown_skus(lines, wanted)
        articles = await self._catalogue.articles(skus, order.currency) if skus else {}
        changed = change(order, lines, wanted, articles, self._taxes)
        owed = max(changed.difference, -order.refundable)
        return replace(changed, difference=owed)

    async def _read(
        self, session: AsyncSession, caller: Caller, order_id: str, *, lock: bool = False
    ) -> tuple[Order, tuple[OrderLine, ...]]:
        order = await order_store.by_id(session, order_id, lock=lock)
        if order is None or not may_see(caller, order.customer_id):
            raise NotFoundError("No such order.", path=("orderId",))
        return order, tuple((await order_store.lines_of(session, [order_id]))[order_id])


def _saga(caller: Caller, order: Order, lines: tuple[OrderLine, ...], changed: Change, settlement: Settlement) -> Saga:
    """Make the saga of a change, without the steps that there is nothing to do for."""
    before, after = {line.sku: line.quantity for line in lines}, changed.quantities
    due = changed.difference.minor
    data = {
        **store.spell(order, changed.lines),
        "before": before,
        "after": after,
        "destination": spell(order.address),
        "total_minor": max(due, 0),
        "amount_minor": max(-due, 0),
        "payment_token": settlement.payment_token,
        "customer_id": order.customer_id,
        "reason": "the order was changed",
        "actor": caller.author,
    }
    without = set()
    if all(quantity <= before.get(sku, 0) for sku, quantity in after.items()):
        without.add(StepName.ALLOCATE_MORE)
    if due <= 0:
        without.add(StepName.PROCESS_PAYMENT)
    if due >= 0:
        without.add(StepName.REFUND_AMOUNT)
    return start(new_id("saga"), SagaKind.EDIT, order.id, order.checkout_id, data, without=frozenset(without))
