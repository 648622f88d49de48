"""Reads of carts, checkouts and orders. What a caller may not see is null, as if it were not there."""

from __future__ import annotations

import strawberry

from kernel.graphql import connection
from kernel.identity import require
from kernel.pagination import Page
from subgraphs.orders.api.carts import Cart
from subgraphs.orders.api.changes import ChangeQuery
from subgraphs.orders.api.checkouts import Checkout
from subgraphs.orders.api.context import Info
from subgraphs.orders.api.orders import Order, OrderConnection, OrderWhere
from subgraphs.orders.api.sagas import OrderSaga, OrderSagaConnection, OrderSagaWhere
from subgraphs.orders.api.taxes import TaxQuery
from subgraphs.orders.domain.order import EVERY_ORDER


@strawberry.type
class Query(ChangeQuery, TaxQuery):
    """Reads of orders."""

    @strawberry.field(description="A cart.")
    async def cart(self, info: Info, id: strawberry.ID) -> Cart | None:
        """Give a cart."""
        return await Cart.resolve_reference(info, id)

    @strawberry.field(description="A checkout.")
    async def checkout(self, info: Info, id: strawberry.ID) -> Checkout | None:
        """Give a checkout."""
        return await Checkout.resolve_reference(info, id)

    @strawberry.field(description="An order.")
    async def order(self, info: Info, id: strawberry.ID) -> Order | None:
        """Give an order."""
        return await Order.resolve_reference(info, id)

    @strawberry.field(description="All orders, the newest first; for staff.")
    async def orders(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        where: OrderWhere | None = None,
    ) -> OrderConnection:
        """Give a page of all orders."""
        require(info.context.caller, kinds={"staff", "admin", "service"})
        orders = info.context.service.orders
        wanted = where.to_domain() if where else EVERY_ORDER
        found = await orders.page(Page(first, after, last, before), wanted)
        page = connection(found.map(Order.of), count=lambda: orders.count(wanted))
        return OrderConnection(edges=page.edges, page_info=page.page_info, count=page.count)

    @strawberry.field(description="All sagas, the newest first; for staff.")
    async def order_sagas(
        self,
        info: Info,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        where: OrderSagaWhere | None = None,
    ) -> OrderSagaConnection:
        """Give a page of all sagas."""
        require(info.context.caller, kinds={"staff", "admin"})
        statuses = (where.status_in or ()) if where else ()
        found = await info.context.service.oversight.page(Page(first, after, last, before), statuses)
        page = connection(found.map(OrderSaga.of))
        return OrderSagaConnection(edges=page.edges, page_info=page.page_info)

    @strawberry.field(description="A saga; for staff.")
    async def order_saga(self, info: Info, id: strawberry.ID) -> OrderSaga | None:
        """Give a saga."""
        require(info.context.caller, kinds={"staff", "admin"})
        found = await info.context.service.oversight.get(id)
        return None if found is None else OrderSaga.of(found)
