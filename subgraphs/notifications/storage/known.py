"""What events told about customers and orders, and the events that came before what they need."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.envelope import Event
from subgraphs.notifications.domain.letters import Customer, Order
from subgraphs.notifications.storage.tables import customers, orders, waiting_events


async def remember_customer(session: AsyncSession, customer: Customer) -> None:
    """Keep the newest that is known of a customer."""
    adding = insert(customers).values(asdict(customer))
    newest = {name: adding.excluded[name] for name in ("email", "name", "language")}
    await session.execute(adding.on_conflict_do_update(index_elements=["user_id"], set_=newest))


async def customer_of(session: AsyncSession, user_id: str) -> Customer | None:
    """Read what is known of a customer."""
    row = (await session.execute(select(customers).where(customers.c.user_id == user_id))).one_or_none()
    return Customer(user_id=row.user_id, email=row.email, name=row.name, language=row.language) if row else None


async def lock_order(session: AsyncSession, order_id: str) -> None:
    """Let the events of one order be handled one at a time, so that none is put aside just as its order is learnt."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(order_id, 0))))


async def remember_order(session: AsyncSession, order: Order) -> list[Event]:
    """Keep what is known of an order; give the events that waited for it, oldest first, which are kept no longer."""
    await session.execute(insert(orders).values(asdict(order)).on_conflict_do_nothing())
    freed = await session.execute(
        delete(waiting_events)
        .where(waiting_events.c.order_id == order.order_id)
        .returning(waiting_events.c.event_id, waiting_events.c.event)
    )
    return [Event.from_builtins(row.event) for row in sorted(freed, key=lambda row: row.event_id)]


async def order_of(session: AsyncSession, order_id: str) -> Order | None:
    """Read what is known of an order."""
    row = (await session.execute(select(orders).where(orders.c.order_id == order_id))).one_or_none()
    if row is None:
        return None
    return Order(order_id=row.order_id, number=row.number, email=row.email, customer_id=row.customer_id)


async def put_aside(session: AsyncSession, event: Event, order_id: str) -> None:
    """Keep an event until its order is known."""
    await session.execute(
        insert(waiting_events).values(event_id=event.id, order_id=order_id, event=event.to_builtins())
    )
