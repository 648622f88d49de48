"""What is told of an order as it happens."""

import asyncio
from contextlib import aclosing
from functools import partial

import pytest

from kernel.events.catalogue import OrderShipped
from kernel.events.delivery import Room
from kernel.events.embedded import EmbeddedDelivery
from kernel.events.outbox import record
from kernel.graphql.execution import Executor
from kernel.identity import Caller
from subgraphs.orders.api.context import make_context
from subgraphs.orders.api.schema import make_schema
from subgraphs.orders.consumers import make_consumers

QUERY = "subscription On($id: ID!) { orderStatusChanged(id: $id) { id status timeline { kind } } }"


@pytest.fixture
def executor(world):
    return Executor("orders", make_schema(), partial(make_context, world.service))


def subscribe(executor, caller, order_id):
    return aclosing(executor.subscribe(QUERY, {"id": order_id}, caller=caller))


async def soon(events):
    return (await asyncio.wait_for(anext(events), 20)).to_builtins()


async def listening(world):
    async with asyncio.timeout(10):
        while not world.service.feed._followers:  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.005)
    await asyncio.wait_for(world.service.feed._listener.ready.wait(), 10)


def shipped(order):
    return OrderShipped(
        order_id=order.id,
        shipment_id="shp_1",
        carrier="sandbox",
        tracking_number="SBX1",
        lines=(),
        customer_id=order.customer_id,
        email=order.email,
        shipped_at="2026-06-01T12:00:00+00:00",
    )


async def test_each_change_is_told_with_the_order_as_it_is_then(world, executor):
    order = await world.complete(await world.checkout())
    delivery = EmbeddedDelivery([Room(world.database, tuple(make_consumers(world.service.orders)))])
    async with subscribe(executor, world.buyer, order.id) as events:
        first = asyncio.ensure_future(soon(events))
        await listening(world)
        async with world.database.transaction() as session:
            await record(session, shipped(order), subject=order.id)
        await delivery.drain()
        told = (await first)["data"]["orderStatusChanged"]
        assert (told["id"], told["status"], told["timeline"][-1]["kind"]) == (order.id, "SHIPPED", "SHIPPED")


async def test_who_may_not_see_an_order_is_told_that_there_is_none(world, executor):
    order = await world.complete(await world.checkout())
    stranger = Caller(id="usr_2", kind="customer")
    for caller, order_id in [(stranger, order.id), (world.buyer, "ord_none")]:
        async with subscribe(executor, caller, order_id) as events:
            (error,) = (await soon(events))["errors"]
            assert error["extensions"]["code"] == "NOT_FOUND"
            with pytest.raises(StopAsyncIteration):
                await anext(events)


@pytest.mark.parametrize("query", ["subscription {", "subscription { nothing }", QUERY, "subscription { __typename }"])
async def test_what_cannot_run_is_told_once(executor, world, query):
    async with aclosing(executor.subscribe(query, caller=world.buyer)) as events:
        assert (await soon(events))["errors"]
        with pytest.raises(StopAsyncIteration):
            await anext(events)
