"""The notifications subgraph on real PostgreSQL, fed through its inbox, delivering into a folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from kernel.database import Database, count_statements
from kernel.events.catalogue import (
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderLineFacts,
    OrderPlaced,
    OrderShipped,
    Payload,
    PaymentRefunded,
    PostalAddress,
    UserRegistered,
)
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.outbox import record
from kernel.identity import ANONYMOUS, Caller
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from kernel.supergraph import Answer, Person
from kernel.testing import FixedClock
from subgraphs.notifications.app import build
from subgraphs.notifications.settings import NotificationsSettings
from subgraphs.notifications.storage.tables import METADATA

ADDRESS = PostalAddress(name="Ada <b>Lovelace", line1="1 Main St", city="London", postal_code="N1", country="GB")
LINES = (OrderLineFacts(sku="TENT-1", product_id="prod_1", name="Tent & Co", quantity=2, unit_price_minor=5000),)

SETTINGS: dict[str, Any] = {
    "shop": "Test Shop",
    "delivery_attempts": 3,
    "webhook_networks": ("127.0.0.0/8",),
    "webhook_answer_within": 0.6,
    "webhook_failures": 5,
}
TABLES = (*sorted(set(METADATA.tables) - {"outbox"}),)


class People:
    """Stands in for the users subgraph: tells who somebody is."""

    def __init__(self) -> None:
        self.roles = {"usr_vera": ["VENDOR"], "usr_sam": ["STAFF"]}

    async def execute(self, subgraph: str, document: str, variables: Any = None, *, deadline: float = 5.0) -> Any:
        assert subgraph == "users"
        [these] = variables["these"]
        known = self.roles.get(these["id"])
        return {"_entities": [known and {"id": these["id"], "email": f"{these['id']}@example.com", "roles": known}]}


class Api:
    """Stands in for the router: gives the answers that a test wants, and remembers who asked what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], Person]] = []
        self.answer: Answer | Exception = Answer({"order": {"number": "1001"}})

    async def execute(self, document: str, variables: Any, *, asker: Person, deadline: float = 10.0) -> Answer:
        self.asked.append((document, dict(variables), asker))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class World:
    """The subgraph beside the outbox of another schema that its test writes into."""

    subgraph: Subgraph
    outside: Database
    clock: FixedClock
    mailbox: Path
    people: People
    api: Api

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

    async def publish(self, *payloads: Payload) -> None:
        """Record events and wait until they are handled."""
        async with self.outside.transaction() as session:
            for payload in payloads:
                names = (getattr(payload, name, "") for name in ("payment_id", "order_id", "cart_id", "sku", "user_id"))
                subject = next(name for name in names if name)
                await record(session, payload, subject=subject)
        await self.drain()

    async def drain(self) -> None:
        """Deliver all events that wait."""
        await EmbeddedDelivery([Room(self.outside), self.subgraph.room]).drain()

    async def deliver(self) -> list[EmailMessage]:
        """Run the courier until nothing is due; give all mail that lies in the folder, oldest first."""
        job = next(job for job in self.subgraph.jobs if job.name == "notifications.deliver")
        while await job.run():
            pass
        return self.mail()

    async def digest(self) -> int:
        """Write one digest that is due; tell how much is in it."""
        return await next(job for job in self.subgraph.jobs if job.name == "notifications.digest").run()

    async def followers(self, count: int) -> None:
        """Wait until so many follow an inbox and hear of it."""
        feed: Any = self.subgraph.make_context(ANONYMOUS).service.inbox.feed  # type: ignore[attr-defined]
        async with asyncio.timeout(10):
            while sum(map(len, feed._followers.values())) < count or not feed._listener.ready.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)

    async def send_webhooks(self, *, wait: bool = True) -> int:
        """Send what is due to partners; tell how many deliveries that was."""
        count: int = await self.webhooks.dispatcher.deliver_due()
        if wait:
            await self.webhooks.dispatcher.idle()
        return count

    @property
    def webhooks(self) -> Any:
        """The rooms of webhooks."""
        return self.subgraph.make_context(ANONYMOUS).service.webhooks  # type: ignore[attr-defined]

    def mail(self) -> list[EmailMessage]:
        """Read all mail that lies in the folder, oldest first."""
        files = sorted(self.mailbox.glob("*.eml"))
        return [message_from_bytes(each.read_bytes(), policy=policy.default) for each in files]  # type: ignore[misc]

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """Read rows by SQL."""
        async with self.subgraph.database.engine.connect() as connection:
            return [dict(row) for row in (await connection.exec_driver_sql(query)).mappings()]

    @staticmethod
    def registered(user: str = "usr_ada", name: str = "Ada") -> UserRegistered:
        """An account was opened."""
        return UserRegistered(user_id=user, email=f"{user.removeprefix('usr_')}@example.com", name=name)

    @staticmethod
    def of_order(order: str, customer: str | None) -> dict[str, Any]:
        """What the events of an order have in common."""
        return {
            "order_id": order,
            "number": order.removeprefix("ord_"),
            "customer_id": customer,
            "email": "ada@example.com",
            "currency": "EUR",
            "total_minor": 10050,
        }

    def placed(self, order: str = "ord_1001", customer: str | None = "usr_ada") -> OrderPlaced:
        """An order was placed."""
        return OrderPlaced(**self.of_order(order, customer), lines=LINES, placed_at="2026-06-01T12:00:00+00:00")

    def confirmed(self, order: str = "ord_1001", customer: str | None = "usr_ada") -> OrderConfirmed:
        """An order was paid."""
        return OrderConfirmed(
            **self.of_order(order, customer),
            lines=LINES,
            stock=(),
            shipping_address=ADDRESS,
            shipping_method_id="shm_1",
            confirmed_at="2026-06-01T12:00:00+00:00",
        )

    def cancelled(self, order: str = "ord_1001", reason: str = "out of stock") -> OrderCancelled:
        """An order was cancelled."""
        return OrderCancelled(**self.of_order(order, "usr_ada"), reason=reason)

    @staticmethod
    def shipped(order: str = "ord_1001", *, complete: bool = True) -> OrderShipped:
        """A shipment left."""
        return OrderShipped(
            order_id=order,
            shipment_id="shp_1",
            carrier="Sandbox Post",
            tracking_number="SP123",
            lines=(),
            customer_id="usr_ada",
            email="ada@example.com",
            shipped_at="2026-06-02T12:00:00+00:00",
            complete=complete,
        )

    @staticmethod
    def delivered(order: str = "ord_1001") -> OrderDelivered:
        """A shipment arrived."""
        return OrderDelivered(
            order_id=order,
            shipment_id="shp_1",
            customer_id="usr_ada",
            email="ada@example.com",
            delivered_at="2026-06-03T12:00:00+00:00",
        )

    @staticmethod
    def refunded(order: str = "ord_1001") -> PaymentRefunded:
        """Money went back."""
        return PaymentRefunded(
            payment_id="pay_1", order_id=order, amount_minor=10050, currency="EUR", refund_id="ref_1", reason="returned"
        )


@pytest.fixture(scope="session")
async def notifications_url(make_database: Callable[..., Awaitable[str]]) -> str:
    """The database that the tests of a process use one after the other."""
    return await make_database("notifications", "orders")


@pytest.fixture
async def world(notifications_url: str, clock: FixedClock, tmp_path: Path) -> AsyncIterator[World]:
    """A notifications subgraph without any messages."""
    url = notifications_url
    database = Database(url, schema="notifications")
    async with database.transaction() as session:
        await session.execute(text(f"TRUNCATE {', '.join(TABLES)}, outbox, orders.outbox"))
    people, api = People(), Api()
    parts = Parts(database=database, calls=people, clock=clock, supergraph=api)
    settings = Settings(database_url=url, data_dir=tmp_path)
    subgraph = build(settings, parts, NotificationsSettings(**SETTINGS))
    async with Database(url, schema="orders") as outside:
        yield World(subgraph, outside, clock, tmp_path / "mailbox", people, api)
    await subgraph.close()
