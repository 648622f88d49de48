"""Loads the demo shop into an empty store: one transaction over all schemas, so it is there whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

import asyncpg

from kernel.database import plain_url
from kernel.events.catalogue import ProductCreated
from runtime.demo_data.people import PASSWORD
from runtime.demo_data.pricing import purchase_costs
from runtime.demo_data.records import addressed
from runtime.demo_data.world import SEED, World, make_world
from runtime.progress import Steps
from subgraphs.inventory.storage import bulk as inventory
from subgraphs.inventory.storage.planning_bulk import copy_planning
from subgraphs.notifications.storage import bulk as notifications
from subgraphs.orders.storage import bulk as orders
from subgraphs.payments.storage import bulk as payments
from subgraphs.products.storage import bulk as products
from subgraphs.recommendations.storage import bulk as recommendations
from subgraphs.recommendations.storage import facts_bulk
from subgraphs.shipping.storage import bulk as shipping
from subgraphs.users.service.passwords import hash_password
from subgraphs.users.storage import bulk as users
from subgraphs.users.storage.personal import PersonalKeys

_ROUNDS: Final = 12
"""All demo accounts share one password and one hash of it, at the strength of every other account."""

_EMPTY: Final = """
SELECT NOT EXISTS (SELECT FROM products.products) AND NOT EXISTS (SELECT FROM users.users)
   AND NOT EXISTS (SELECT FROM orders.orders)
"""

_AVAILABLE: Final = """
SELECT level.sku, skus.product_id, sum(level.on_hand - level.reserved - level.allocated)::integer AS available
FROM inventory.stock_levels AS level JOIN inventory.skus ON skus.sku = level.sku GROUP BY level.sku, skus.product_id
"""


async def load_demo_data(
    database_url: str, steps: Steps, keys: PersonalKeys, *, now: datetime | None = None, seed: int = SEED
) -> bool:
    """Load the demo shop unless the store holds anything already; tell whether it was loaded.

    Its people are sealed under `keys`.
    """
    connection = await asyncpg.connect(plain_url(database_url))
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('demo data', 0))")
            if not await connection.fetchval(_EMPTY):
                return False
            await _load(connection, steps, keys, now or datetime.now(UTC), seed)
        await connection.execute("ANALYZE")
        return True
    finally:
        await connection.close()


async def _load(connection: asyncpg.Connection, steps: Steps, keys: PersonalKeys, now: datetime, seed: int) -> None:
    with steps.bar("Demo data") as progress:
        task = progress.add_task("Two years of orders", total=len(_LOADS) + 2)
        hashing = asyncio.create_task(asyncio.to_thread(hash_password, PASSWORD, rounds=_ROUNDS))
        world = await asyncio.to_thread(make_world, now, seed)
        progress.advance(task)
        password_hash = await hashing
        progress.advance(task)
        await _users(connection, world, password_hash, keys)
        for name, load in _LOADS.items():
            progress.update(task, description=name)
            await load(connection, world)
            progress.advance(task)


async def _products(connection: asyncpg.Connection, world: World) -> None:
    made = world.catalogue
    await products.copy(
        connection,
        categories=made.categories,
        product_types=made.types,
        products=[item.row for item in made.items],
        variants=[variant for item in made.items for variant in item.variants],
        prices=made.prices,
        promotions=made.promotions,
        collections=made.collections,
    )


async def _inventory(connection: asyncpg.Connection, world: World) -> None:
    stock = world.stock
    await inventory.copy(
        connection,
        warehouses=stock.warehouses,
        skus=stock.skus,
        movements=stock.movements,
        policies=stock.policies,
    )
    items = world.catalogue.items
    await copy_planning(
        connection,
        groups={variant.sku: item.row.category_id or "" for item in items for variant in item.variants},
        orders={order.id: order.placed_at.date() for order in world.orders},
        sold=world.sold_elsewhere,
        costs=purchase_costs(world.catalogue),
    )


async def _users(connection: asyncpg.Connection, world: World, password_hash: str, keys: PersonalKeys) -> None:
    await users.copy(
        connection,
        keys=keys,
        users=[*(customer.user for customer in world.customers), *world.staff],
        addresses=[customer.address for customer in world.customers],
        password_hash=password_hash,
    )


async def _orders(connection: asyncpg.Connection, world: World) -> None:
    made = world.records
    await orders.copy(connection, orders=made.orders, lines=made.lines, timeline=made.timeline)


async def _payments(connection: asyncpg.Connection, world: World) -> None:
    await payments.copy(connection, payments=world.records.payments)


async def _shipping(connection: asyncpg.Connection, world: World) -> None:
    await shipping.copy(connection, shipments=world.records.shipments)


async def _notifications(connection: asyncpg.Connection, world: World) -> None:
    await notifications.copy(
        connection,
        customers=addressed(world.customers),
        orders=world.records.addressees,
        messages=world.records.messages,
    )


async def _recommendations(connection: asyncpg.Connection, world: World) -> None:
    made = world.catalogue
    await recommendations.copy(
        connection,
        bought=world.records.bought,
        products=[_known(item.row) for item in made.items],
        categories=[
            recommendations.CategoryRow(category_id=one.id, parent_id=one.parent_id) for one in made.categories
        ],
        stock=[recommendations.StockRow(**row) for row in await connection.fetch(_AVAILABLE)],
    )
    await facts_bulk.copy(connection, world.facts)


def _known(row: products.ProductRow) -> recommendations.KnownRow:
    told = ProductCreated(
        product_id=row.id,
        name=row.name,
        category_id=row.category_id,
        variants=(),
        brand=row.brand,
        tags=row.tags,
        attributes={name: tuple(values) for name, values in row.attributes.items()},
    )
    return recommendations.KnownRow.of(told)


_LOADS: Final[dict[str, Callable[[asyncpg.Connection, World], Awaitable[None]]]] = {
    "Products": _products,
    "Stock": _inventory,
    "Orders": _orders,
    "Payments": _payments,
    "Shipments": _shipping,
    "Messages": _notifications,
    "What is bought together": _recommendations,
}
