"""The recommendations subgraph on real PostgreSQL, fed through its inbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch
from sqlalchemy import text

from kernel.calls import InProcessCalls
from kernel.database import Database, count_statements
from kernel.events.catalogue import OrderConfirmed, OrderLineFacts, Payload, PostalAddress, ProductUpdated
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.outbox import record
from kernel.identity import ANONYMOUS, Caller
from kernel.ids import new_id
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from kernel.testing import FixedClock
from subgraphs.recommendations.app import build

INDICES = f"test-{new_id('evt')}"
ADDRESS = PostalAddress(name="Ada", line1="1 Main St", city="London", postal_code="N1", country="GB")

VIEW = """
mutation($id: ID!, $token: String, $searched: String! = "") {
  productViewed(id: $id, sessionToken: $token, searched: $searched) { product { id } sessionToken errors { code } }
}"""


@dataclass
class World:
    """The subgraph beside the outbox of an `orders` schema that its test writes into."""

    subgraph: Subgraph
    orders: Database
    clock: FixedClock
    indices: str = ""

    async def ask(self, document: str, caller: Caller = ANONYMOUS, **variables: Any) -> dict[str, Any]:
        """Run a document that must succeed; give its data."""
        result = await self.subgraph.executor.execute(document, variables, caller=caller)
        assert not result.errors, result.errors
        assert result.data is not None
        return result.data

    async def refused(self, document: str, caller: Caller = ANONYMOUS, **variables: Any) -> list[str]:
        """Run a document that must fail at the top level; give the codes."""
        result = await self.subgraph.executor.execute(document, variables, caller=caller)
        return [error["extensions"]["code"] for error in result.errors]

    async def statements(self, document: str, caller: Caller = ANONYMOUS, **variables: Any) -> int:
        """Count the statements of a document that must succeed."""
        with count_statements(self.subgraph.database) as counted:
            await self.ask(document, caller, **variables)
        return counted.total

    def order(self, *products: str, customer: str | None = None, quantity: int = 1) -> OrderConfirmed:
        """Make a confirmed order of these products."""
        self.clock.advance(seconds=60)
        return OrderConfirmed(
            order_id=new_id("ord"),
            number="1001",
            customer_id=customer,
            email="ada@example.com",
            currency="EUR",
            total_minor=1000,
            lines=tuple(
                OrderLineFacts(sku=f"{each}-s", product_id=each, name=each, quantity=quantity, unit_price_minor=100)
                for each in products
            ),
            stock=(),
            shipping_address=ADDRESS,
            shipping_method_id="shm_1",
            confirmed_at=self.clock.now().isoformat(),
        )

    async def publish(self, *payloads: Payload) -> None:
        """Record events and wait until they are handled."""
        async with self.orders.transaction() as session:
            for payload in payloads:
                await record(session, payload, subject=subject_of(payload))
        await self.drain()

    async def buy(self, *baskets: Iterable[str], customer: str | None = None) -> None:
        """Confirm orders of these products."""
        await self.publish(*(self.order(*basket, customer=customer) for basket in baskets))

    async def hide(self, product: str, *, published: bool = False) -> None:
        """Publish that a product is shown no more, or again."""
        await self.publish(
            ProductUpdated(product_id=product, name=product, category_id=None, variants=(), published=published)
        )

    async def drain(self) -> None:
        """Deliver all events that wait."""
        await EmbeddedDelivery([Room(self.orders), self.subgraph.room]).drain()
        await self.copied()

    async def copied(self) -> None:
        """Have what changed copied to Elasticsearch, where that is in use, and make it visible there."""
        copying = [job for job in self.subgraph.jobs if job.name == "recommendations.copy-facts"]
        for job in copying:
            while await job.run():
                pass
        if self.indices:
            async with AsyncElasticsearch(self.indices) as client:
                await client.indices.refresh(index=f"{INDICES}-*")

    async def train(self) -> int:
        """Run the job that trains, once its pause is over; tell whether it did."""
        self.clock.advance(seconds=400)
        return await self.job("recommendations.train")

    async def job(self, name: str) -> int:
        """Run a portion of a job."""
        [job] = [job for job in self.subgraph.jobs if job.name == name]
        return await job.run()

    async def know(self, product: str, category: str | None = None, **facts: Any) -> None:
        """Publish what a product is like."""
        await self.publish(
            ProductUpdated(
                product_id=product, name=facts.pop("name", product), category_id=category, variants=(), **facts
            )
        )

    async def view(self, product: str, caller: Caller = ANONYMOUS, token: str | None = None, searched: str = "") -> Any:
        """View a product; give the payload."""
        seen = await self.ask(VIEW, caller, id=product, token=token, searched=searched)
        await self.drain()
        return seen["productViewed"]

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """Read rows by SQL."""
        async with self.subgraph.database.engine.connect() as connection:
            return [dict(row) for row in (await connection.exec_driver_sql(query)).mappings()]


def subject_of(payload: Payload) -> str:
    """Name the aggregate of an event."""
    names = ("order_id", "checkout_id", "sku", "product_id", "category_id")
    return next((str(getattr(payload, name)) for name in names if getattr(payload, name, None)), "anything")


@pytest.fixture(scope="session")
async def recommendations_url(make_database: Callable[..., Awaitable[str]]) -> str:
    """The database that the tests of a process use one after the other."""
    return await make_database("recommendations", "orders")


@pytest.fixture
async def world(recommendations_url: str, clock: FixedClock) -> AsyncIterator[World]:
    """A recommendations subgraph that has learnt nothing yet."""
    async with fresh_world(recommendations_url, clock) as world:
        yield world


@asynccontextmanager
async def fresh_world(url: str, clock: FixedClock, elasticsearch_url: str = "") -> AsyncIterator[World]:
    """Make a subgraph that knows nothing; with Elasticsearch, analytics are answered from there."""
    database = Database(url, schema="recommendations")
    async with database.transaction() as session:
        await session.execute(
            text(
                "TRUNCATE products, categories, stock, views, neighbours, learnt_orders, product_pairs, purchases,"
                " picks, known_guests, inbox, outbox, orders.outbox, facts_copy, facts_to_copy,"
                " sales, sold_lines, refunds, checkouts_started, product_views, searches"
            )
        )
        await session.execute(text("UPDATE training SET trained_at = NULL, learnt_until = NULL"))
    parts = Parts(database=database, calls=InProcessCalls("recommendations", {}), clock=clock)
    subgraph = build(Settings(database_url=url, elasticsearch_url=elasticsearch_url), parts)
    async with Database(url, schema="orders") as orders:
        yield World(subgraph, orders, clock, elasticsearch_url)
    await subgraph.close()


async def without_indices(url: str) -> None:
    """Delete what this run has in Elasticsearch."""
    async with AsyncElasticsearch(url) as client:
        for name in await client.indices.get(index=f"{INDICES}-*"):
            await client.indices.delete(index=name)
