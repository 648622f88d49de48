"""Use cases of exchanges: what one would cost, and doing it as one operation, exactly once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.events.outbox import record
from kernel.identity import Caller
from kernel.ids import new_id
from subgraphs.orders.domain.exchanges import Exchange, Offer, Wish, exchange
from subgraphs.orders.domain.order import EntryKind, Order, TimelineEntry, placed_event
from subgraphs.orders.domain.ports import Catalogue
from subgraphs.orders.domain.returns import Return
from subgraphs.orders.domain.saga import Saga, SagaKind, StepName, start
from subgraphs.orders.domain.status import OrderStatus
from subgraphs.orders.domain.tax import TaxProvider
from subgraphs.orders.service.destinations import spell
from subgraphs.orders.service.runner import SagaRunner
from subgraphs.orders.service.settlement import Settlement, replayed, succeeded
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage import returns as return_store
from subgraphs.orders.storage import sagas as saga_store


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Both halves of an exchange as they stand now; the other half is in PAYMENT as long as that is not known."""

    returned: Return
    replacement: Order


class ExchangeService:
    """Gives buyers other goods for those that they send back; for the staff, who may charge for the difference."""

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        taxes: TaxProvider,
        runner: SagaRunner,
        clock: Clock,
        *,
        reservation_seconds: int,
    ) -> None:
        self.database = database
        self._catalogue = catalogue
        self._taxes = taxes
        self._runner = runner
        self._clock = clock
        self._reservation_seconds = reservation_seconds

    async def preview(self, order_id: str, wish: Wish) -> Exchange:
        """Work out what an exchange comes to; nothing is changed or held.

        Raises:
            DomainError: it cannot be made so.
        """
        async with self.database.session() as session:
            order = await _insist(session, order_id)
        offer = await self._offer(order, wish)
        async with self.database.session() as session:
            return await _exchange(session, order, wish, offer)

    async def confirm(self, caller: Caller, order_id: str, wish: Wish, settlement: Settlement) -> Exchanged:
        """Send other goods, settle the difference and let the first come back; once for each key.

        Raises:
            PriceChangedError: another amount is due by now.
            InsufficientStockError: there is too little of something; nothing has changed.
            PaymentDeclinedError: the difference was not paid; nothing has changed.
            DomainError: it cannot be made so.
        """
        settlement.check()
        async with self.database.session() as session:
            order = await _insist(session, order_id)
            started = await saga_store.by_key(session, order.checkout_id, settlement.key)
        if started is not None:
            return await self._exchanged(replayed(started, _fingerprint(order_id, wish, settlement)))
        offer = await self._offer(order, wish)
        saga = await self._begin(caller, order_id, wish, offer, settlement)
        return await self._exchanged(succeeded(await self._runner.run(saga)))

    async def _exchanged(self, saga: Saga) -> Exchanged:
        async with self.database.session() as session:
            returned = await return_store.by_id(session, saga.data["return_id"])
            replacement = await _insist(session, saga.order_id)
        if returned is None:
            raise LookupError(f"saga without its return {saga.id}")
        return Exchanged(returned, replacement)

    async def _begin(self, caller: Caller, order_id: str, wish: Wish, offer: Offer, settlement: Settlement) -> Saga:
        """Store both halves and their saga; the order that goods come back of is locked meanwhile."""
        async with self.database.transaction() as session:
            order = await _insist(session, order_id, lock=True)
            made = await _exchange(session, order, wish, offer)
            settlement.check_difference(caller, order, made.difference)
            saga = self._saga(caller, order, made, settlement)
            number = await order_store.place_alone(session, made.replacement, made.lines, _entry(caller, order, made))
            await record(
                session, placed_event(replace(made.replacement, number=number), made.lines), subject=saga.order_id
            )
            await return_store.add(session, made.returned)
            await self._runner.begin(session, saga, settlement.key, _fingerprint(order_id, wish, settlement))
        return saga

    async def _offer(self, order: Order, wish: Wish) -> Offer:
        articles = await self._catalogue.articles([sku for sku, _ in wish.instead], order.currency)
        return Offer(articles=articles, taxes=self._taxes, at=self._clock.now())

    def _saga(self, caller: Caller, order: Order, made: Exchange, settlement: Settlement) -> Saga:
        due = max(made.difference.minor, 0)
        data: dict[str, Any] = {
            "exchanged_order_id": order.id,
            "return_id": made.returned.id,
            "total_minor": due,
            "currency": order.currency,
            "customer_id": order.customer_id,
            "payment_token": settlement.payment_token,
            "quantities": {line.sku: line.quantity for line in made.lines},
            "reserve_seconds": self._reservation_seconds,
            "destination": spell(order.address),
            "actor": caller.author,
        }
        without = frozenset() if due else frozenset({StepName.PROCESS_PAYMENT})
        return start(new_id("saga"), SagaKind.EXCHANGE, made.replacement.id, order.checkout_id, data, without=without)


async def _exchange(session: AsyncSession, order: Order, wish: Wish, offer: Offer) -> Exchange:
    lines = (await order_store.lines_of(session, [order.id]))[order.id]
    earlier = (await return_store.of_orders(session, [order.id])).get(order.id, [])
    return exchange(order, lines, earlier, wish, offer)


def _fingerprint(order_id: str, wish: Wish, settlement: Settlement) -> str:
    return settlement.fingerprint("exchange", order_id, wish)


async def _insist(session: AsyncSession, order_id: str, *, lock: bool = False) -> Order:
    order = await order_store.by_id(session, order_id, lock=lock)
    if order is None:
        raise NotFoundError("No such order.", path=("orderId",))
    return order


def _entry(caller: Caller, order: Order, made: Exchange) -> TimelineEntry:
    return TimelineEntry(
        id=new_id("evt"),
        order_id=made.replacement.id,
        kind=EntryKind.PLACED,
        message=f"These goods replace others of {order.number}.",
        at=made.replacement.placed_at,
        actor=caller.author,
        to_status=OrderStatus.PAYMENT,
    )
