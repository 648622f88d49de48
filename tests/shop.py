"""A shop of five subgraphs in one process, without a router, as tests and proofs of a sale use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from kernel.calls import InProcessCalls
from kernel.clock import Clock
from kernel.database import Database
from kernel.events.embedded import EmbeddedDelivery
from kernel.graphql.execution import Executor
from kernel.identity import Caller
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from kernel.testing import FixedClock
from tests.sale import ADD, ADDRESS, ADDRESS_SET, APPS, BUYER, CHECKOUT, COMPLETE, METHOD_SET

Line = tuple[str, int]
TWO_AND_ONE: tuple[Line, ...] = (("SKU-A", 2), ("SKU-B", 1))


@dataclass
class Shop:
    """Five subgraphs in one process."""

    subgraphs: dict[str, Subgraph]
    delivery: EmbeddedDelivery
    clock: Clock

    @property
    def databases(self) -> list[Database]:
        """The databases of all subgraphs."""
        return [subgraph.database for subgraph in self.subgraphs.values()]

    async def run(self, name: str, document: str, caller: Caller = BUYER, **variables: Any) -> dict[str, Any]:
        """Run a document on a subgraph, which must not fail."""
        result = await self.subgraphs[name].executor.execute(document, variables, caller=caller)
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data

    async def mutate(self, document: str, caller: Caller = BUYER, **variables: Any) -> dict[str, Any]:
        """Run a mutation of orders and give its payload."""
        (payload,) = (await self.run("orders", document, caller, **variables)).values()
        return payload

    async def cart(self, lines: Sequence[Line] = TWO_AND_ONE, caller: Caller = BUYER) -> str:
        """A cart with something in it."""
        created = await self.mutate("mutation { cartCreate { cart { id } } }", caller)
        cart = created["cart"]["id"]
        wanted = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
        added = await self.mutate(ADD, caller, id=cart, lines=wanted)
        assert not added["errors"], added
        return cart

    async def checkout(self, lines: Sequence[Line] = TWO_AND_ONE, caller: Caller = BUYER) -> tuple[str, dict[str, str]]:
        """A checkout that is ready to be paid, and its total."""
        created = await self.mutate(CHECKOUT, caller, cart=await self.cart(lines, caller))
        assert not created["errors"], created
        return await self.make_ready(created["checkout"]["id"], caller)

    async def make_ready(self, checkout: str, caller: Caller = BUYER) -> tuple[str, dict[str, str]]:
        """Give a checkout its address and its method; the checkout, and its total."""
        await self.mutate(ADDRESS_SET, caller, id=checkout, address=ADDRESS)
        chosen = await self.mutate(METHOD_SET, caller, id=checkout)
        return checkout, chosen["checkout"]["total"]["gross"]

    async def complete(
        self,
        checkout: str,
        total: dict[str, str],
        token: str = "tok_approve",
        key: str = "key-1",
        caller: Caller = BUYER,
    ) -> dict[str, Any]:
        """Press the button that buys."""
        return await self.mutate(COMPLETE, caller, id=checkout, total=total, token=token, key=key)

    async def buy(self, lines: Sequence[Line] = TWO_AND_ONE, **options: Any) -> dict[str, Any]:
        """Buy, and give the order."""
        checkout, total = await self.checkout(lines)
        paid = await self.complete(checkout, total, **options)
        assert not paid["errors"], paid
        return paid["order"]

    def let_pass(self, seconds: float) -> None:
        """Let time pass; only where it stands still otherwise."""
        assert isinstance(self.clock, FixedClock)
        self.clock.advance(seconds=seconds)

    async def settle(self, seconds: float = 0.0) -> None:
        """Let events and jobs run until nothing moves."""
        if seconds:
            self.let_pass(seconds)
        moved = True
        while moved:
            moved = bool(await self.delivery.drain())
            for subgraph in self.subgraphs.values():
                for job in subgraph.jobs:
                    moved = bool(await job.run()) or moved

    async def order(self, order_id: str, caller: Caller = BUYER) -> dict[str, Any]:
        """Read an order with its timeline."""
        document = "query ($id: ID!) { order(id: $id) { status timeline { kind toStatus } nextStatuses } }"
        return (await self.run("orders", document, caller, id=order_id))["order"]

    async def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement over all schemas."""
        async with self.subgraphs["orders"].database.session() as session:
            return [tuple(row) for row in await session.execute(text(statement))]

    async def books(self) -> dict[str, Any]:
        """What must always agree: orders by state, money that was taken, stock and ledger."""
        return {
            "orders": await self.query("SELECT status, count(*) FROM orders.orders GROUP BY status ORDER BY status"),
            "taken": (await self.query(_TAKEN))[0][0],
            "stock": await self.query(_STOCK),
            "ledger": (await self.query(_LEDGER))[0][0],
        }

    async def close(self) -> None:
        """Close what is open."""
        for subgraph in self.subgraphs.values():
            await subgraph.close()


_TAKEN = """
    SELECT coalesce(sum(amount_minor - refunded_minor), 0) FROM payments.payments
    WHERE status NOT IN ('PENDING', 'DECLINED')
"""
_STOCK = """
    SELECT sku, sum(on_hand), sum(reserved), sum(allocated) FROM inventory.stock_levels GROUP BY sku ORDER BY sku
"""
_LEDGER = """
    SELECT coalesce(sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END), 0)
    FROM payments.ledger_entries
"""


@asynccontextmanager
async def open_shop(url: str, clock: Clock) -> AsyncIterator[Shop]:
    """Open a shop on a database that has the tables of all five subgraphs."""
    executors: dict[str, Executor] = {}
    subgraphs: dict[str, Subgraph] = {}
    for name, app in APPS.items():
        parts = Parts(database=Database(url, schema=name), calls=InProcessCalls(name, executors), clock=clock)
        subgraphs[name] = app.build(Settings.load(), parts)
        executors[name] = subgraphs[name].executor
    shop = Shop(subgraphs, EmbeddedDelivery([subgraph.room for subgraph in subgraphs.values()]), clock)
    try:
        yield shop
    finally:
        await shop.close()
