"""What resolvers of orders lean on during a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import strawberry
from aiodataloader import DataLoader

from kernel.database import Database
from kernel.graphql import Context
from kernel.identity import Caller
from kernel.loaders import by_key, lists_by_key
from kernel.pagination import Page, Slice
from subgraphs.orders.domain.cart import Cart
from subgraphs.orders.domain.checkout import Checkout
from subgraphs.orders.domain.order import EVERY_ORDER, Order, OrderFilter, OrderLine, TimelineEntry
from subgraphs.orders.domain.returns import Return
from subgraphs.orders.domain.saga import Saga
from subgraphs.orders.service import OrdersService
from subgraphs.orders.storage import carts as cart_store
from subgraphs.orders.storage import checkouts as checkout_store
from subgraphs.orders.storage import orders as order_store
from subgraphs.orders.storage import returns as return_store
from subgraphs.orders.storage import sagas as saga_store


@dataclass(frozen=True, slots=True)
class OrdersOfCustomer:
    """Which part of whose orders is wanted."""

    customer_id: str
    where: OrderFilter = EVERY_ORDER
    page: Page = field(default_factory=Page)


@dataclass(frozen=True, slots=True)
class OrdersLoaders:
    """What is fetched for many at once."""

    orders: DataLoader[str, Order | None]
    orders_by_number: DataLoader[str, Order | None]
    lines: DataLoader[str, Sequence[OrderLine]]
    timeline: DataLoader[str, Sequence[TimelineEntry]]
    sagas: DataLoader[str, Sequence[Saga]]
    returns: DataLoader[str, Sequence[Return]]
    of_customer: DataLoader[OrdersOfCustomer, Slice[Order] | None]
    counts: DataLoader[OrdersOfCustomer, int | None]
    carts: DataLoader[str, Cart | None]
    cart_of_customer: DataLoader[str, Cart | None]
    checkouts: DataLoader[str, Checkout | None]

    @classmethod
    def of(cls, database: Database) -> OrdersLoaders:
        """Make fresh loaders for a request."""
        batches = _Batches(database)
        return cls(
            orders=by_key(batches.orders),
            orders_by_number=by_key(batches.orders_by_number),
            lines=lists_by_key(batches.lines),
            timeline=lists_by_key(batches.timeline),
            sagas=lists_by_key(batches.sagas),
            returns=lists_by_key(batches.returns),
            of_customer=by_key(batches.of_customer),
            counts=by_key(batches.counts),
            carts=by_key(batches.carts),
            cart_of_customer=by_key(batches.cart_of_customer),
            checkouts=by_key(batches.checkouts),
        )


OrdersContext = Context[OrdersService, OrdersLoaders]
Info = strawberry.Info[OrdersContext, None]


def make_context(service: OrdersService, caller: Caller) -> OrdersContext:
    """Make the context of one request."""
    return Context(caller=caller, service=service, loaders=OrdersLoaders.of(service.database))


@dataclass(frozen=True, slots=True)
class _Batches:
    """One statement for each kind of thing, however many are wanted."""

    database: Database

    async def orders(self, ids: Sequence[str]) -> Mapping[str, Order]:
        async with self.database.session() as session:
            return await order_store.by_ids(session, ids)

    async def orders_by_number(self, numbers: Sequence[str]) -> Mapping[str, Order]:
        async with self.database.session() as session:
            return await order_store.by_numbers(session, numbers)

    async def lines(self, order_ids: Sequence[str]) -> Mapping[str, Sequence[OrderLine]]:
        async with self.database.session() as session:
            return await order_store.lines_of(session, order_ids)

    async def timeline(self, order_ids: Sequence[str]) -> Mapping[str, Sequence[TimelineEntry]]:
        async with self.database.session() as session:
            return await order_store.timeline_of(session, order_ids)

    async def sagas(self, order_ids: Sequence[str]) -> Mapping[str, Sequence[Saga]]:
        async with self.database.session() as session:
            return await saga_store.of_orders(session, order_ids)

    async def returns(self, order_ids: Sequence[str]) -> Mapping[str, Sequence[Return]]:
        async with self.database.session() as session:
            return await return_store.of_orders(session, order_ids)

    async def carts(self, ids: Sequence[str]) -> Mapping[str, Cart]:
        async with self.database.session() as session:
            return await cart_store.by_ids(session, ids)

    async def cart_of_customer(self, customer_ids: Sequence[str]) -> Mapping[str, Cart]:
        async with self.database.session() as session:
            return await cart_store.of_customers(session, customer_ids)

    async def checkouts(self, ids: Sequence[str]) -> Mapping[str, Checkout]:
        async with self.database.session() as session:
            return await checkout_store.by_ids(session, ids)

    async def of_customer(self, wanted: Sequence[OrdersOfCustomer]) -> Mapping[OrdersOfCustomer, Slice[Order]]:
        found: dict[OrdersOfCustomer, Slice[Order]] = {}
        async with self.database.session() as session:
            for (page, where), ids in _alike(wanted).items():
                pages = await order_store.pages_of_customers(session, ids, page, where)
                found |= {OrdersOfCustomer(one, where, page): slice_ for one, slice_ in pages.items()}
        return found

    async def counts(self, wanted: Sequence[OrdersOfCustomer]) -> Mapping[OrdersOfCustomer, int]:
        found: dict[OrdersOfCustomer, int] = {}
        async with self.database.session() as session:
            for (page, where), ids in _alike(wanted).items():
                counts = await order_store.counts_of_customers(session, ids, where)
                found |= {OrdersOfCustomer(one, where, page): counts.get(one, 0) for one in ids}
        return found


def _alike(wanted: Sequence[OrdersOfCustomer]) -> Mapping[tuple[Page, OrderFilter], list[str]]:
    """Gather the customers of whom the same is wanted."""
    alike: dict[tuple[Page, OrderFilter], list[str]] = defaultdict(list)
    for one in wanted:
        alike[one.page, one.where].append(one.customer_id)
    return alike
