"""What carriers tell, asked or by themselves, in any order and number: each parcel leaves once and arrives once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import httpx
import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from kernel.errors import ConflictError, InfrastructureError, InvalidInputError, NotFoundError
from kernel.money import Money
from kernel.webhooks import SignatureError
from subgraphs.shipping.domain.carrier import Tracking, TrackingKind
from subgraphs.shipping.domain.rates import Destination, Goods
from subgraphs.shipping.domain.shipment import ShipmentStatus
from subgraphs.shipping.sandbox import SandboxCarrier
from subgraphs.shipping.service import make_service
from subgraphs.shipping.storage import shipments as store
from subgraphs.shipping.storage import tracking as tracking_store
from subgraphs.shipping.storage.tables import carrier_events, methods, outbox, sandbox_parcels
from tests.subgraphs.shipping.conftest import ADDRESS
from tests.subgraphs.shipping.test_service import of_order, told


@pytest.fixture
async def parcel(database, service, plan, confirmed):
    """A parcel with its label on."""
    await plan(confirmed())
    await service.shipments.drive_due()
    [shipment] = await of_order(database)
    assert shipment.status == ShipmentStatus.LABELLED
    return shipment


@pytest.fixture
def send(service, carrier, clock):
    """Let the carrier tell something by webhook."""

    async def send(parcel, kind, minutes=0, id=""):  # noqa: A002 # the message's name of it
        number = parcel.tracking_number
        at = clock.now() + timedelta(minutes=minutes)
        tracking = Tracking(id=id or f"{kind}-{minutes}", tracking_number=number, kind=kind, at=at, place="Berlin")
        return await service.webhooks.receive("sandbox", *carrier.webhook(tracking))

    return send


async def status(database):
    [shipment] = await of_order(database)
    return shipment.status, shipment.attempts


LIFE = (TrackingKind.IN_TRANSIT, TrackingKind.OUT_FOR_DELIVERY, TrackingKind.DELIVERY_FAILED, TrackingKind.DELIVERED)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
async def test_messages_in_any_order_and_twice(database, parcel, send, clock, order):
    clock.advance(seconds=3600)
    for at in [*order, *order]:
        await send(parcel, LIFE[at], minutes=at - 10)
    assert (await status(database))[0] == ShipmentStatus.DELIVERED
    assert await told(database) == [("OrderShipped", True), ("OrderDelivered", True)]
    async with database.session() as session:
        heard = (await tracking_store.of_parcels(session, [parcel.tracking_number]))[parcel.tracking_number]
    assert [each.kind for each in heard] == list(LIFE)


async def test_twenty_times_at_once(database, parcel, send):
    await asyncio.gather(*(send(parcel, TrackingKind.DELIVERED, id=f"e{at % 4}") for at in range(20)))
    assert await told(database) == [("OrderShipped", True), ("OrderDelivered", True)]
    async with database.session() as session:
        assert len((await session.execute(select(carrier_events))).all()) == 4


async def test_webhook_and_asking_at_the_same_time(database, service, parcel, send, clock):
    clock.advance(seconds=10)
    await asyncio.gather(send(parcel, TrackingKind.DELIVERED), service.shipments.drive_due(), send(parcel, LIFE[0]))
    assert await told(database) == [("OrderShipped", True), ("OrderDelivered", True)]


async def test_attempts_are_counted_and_the_parcel_may_come_back(database, parcel, send):
    await send(parcel, TrackingKind.DELIVERY_FAILED, minutes=-3)
    await send(parcel, TrackingKind.DELIVERY_FAILED, minutes=-2)
    assert await status(database) == (ShipmentStatus.DELIVERY_FAILED, 2)
    await send(parcel, TrackingKind.RETURNED)
    await send(parcel, TrackingKind.DELIVERED)
    assert await status(database) == (ShipmentStatus.RETURNED, 2)
    assert await told(database) == [("OrderShipped", True)]


@pytest.mark.parametrize(
    ("wish", "end", "attempts"),
    [
        ("", ShipmentStatus.DELIVERED, 0),
        ("sandbox:fail", ShipmentStatus.DELIVERED, 1),
        ("sandbox:return", ShipmentStatus.RETURNED, 2),
    ],
)
async def test_the_sandbox_follows_the_wish_in_the_address(
    database, service, plan, confirmed, clock, wish, end, attempts
):
    await plan(replace(confirmed(), shipping_address=replace(ADDRESS, line2=wish)))
    for _ in range(40):
        clock.advance(seconds=1)
        await service.shipments.drive_due()
    assert await status(database) == (end, attempts)


async def test_what_tells_of_no_parcel_of_ours_is_kept_and_changes_nothing(database, parcel, send):
    await send(replace(parcel, tracking_number="SBX-other"), TrackingKind.DELIVERED)
    assert await status(database) == (ShipmentStatus.LABELLED, 0)
    assert await told(database) == []


async def test_a_cancelled_parcel_stays_cancelled(database, service, parcel, send):
    await service.shipments.halt("ord_1")
    await send(parcel, TrackingKind.IN_TRANSIT)
    assert await status(database) == (ShipmentStatus.CANCELLED, 0)
    assert await told(database) == []


async def test_what_is_not_the_carriers_is_refused(database, service, carrier, parcel, clock):
    tracking = Tracking(id="e", tracking_number=parcel.tracking_number, kind=TrackingKind.DELIVERED, at=clock.now())
    headers, body = carrier.webhook(tracking)
    with pytest.raises(NotFoundError):
        await service.webhooks.receive("nobody", headers, body)
    with pytest.raises(SignatureError):
        await service.webhooks.receive("sandbox", headers, body + b" ")
    clock.advance(seconds=301)
    with pytest.raises(SignatureError):
        await service.webhooks.receive("sandbox", headers, body)
    for change in ({"id": ""}, {"at": clock.now().replace(tzinfo=None)}):
        with pytest.raises(InvalidInputError):
            await service.webhooks.receive("sandbox", *carrier.webhook(replace(tracking, **change)))
    assert await status(database) == (ShipmentStatus.LABELLED, 0)


async def test_the_door_of_webhooks_over_http(shipping, database):
    transport = httpx.ASGITransport(Starlette(routes=list(shipping.routes)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        assert (await client.post("/webhooks/shipping/sandbox", content=b"{}")).status_code == 400
        assert (await client.post("/webhooks/shipping/nobody", content=b"{}")).status_code == 404
        assert (await client.get("/shipping/labels/guessed.svg")).status_code == 404
    async with database.session() as session:
        assert (await session.execute(select(carrier_events))).all() == []


def back(service, key="k", return_id="ret_1", grams=500):
    return service.labels.for_return(order_id="ord_1", return_id=return_id, weight_grams=grams, key=key)


async def test_a_label_back_is_booked_once(database, service, shipping, parcel, send):
    with pytest.raises(NotFoundError):
        await back(service)
    await send(parcel, TrackingKind.DELIVERED)
    labels = await asyncio.gather(*(back(service) for _ in range(5)))
    assert len({(label.tracking_number, label.label_url) for label in labels}) == 1
    async with database.session() as session:
        assert len((await session.execute(select(sandbox_parcels))).all()) == 2
    with pytest.raises(ConflictError):
        await back(service, return_id="ret_2")
    for grams in (0, -1, 1_000_001):
        with pytest.raises(InvalidInputError):
            await back(service, key="other", grams=grams)
    transport = httpx.ASGITransport(Starlette(routes=list(shipping.routes)))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        [shipment] = await of_order(database)
        for url, title in ((labels[0].label_url, "Return ret_1"), (shipment.label_url, "To DE")):
            picture = await client.get(url)
            assert picture.headers["content-type"] == "image/svg+xml"
            assert title in picture.text
            assert "Ada Lovelace" in picture.text


class BrokenCarrier(SandboxCarrier):
    asked = 0

    async def rates(self, country, postal_code, weight_grams, currency):
        self.asked += 1
        await asyncio.sleep(5)

    async def book(self, parcel):
        self.asked += 1
        raise InfrastructureError("down")


async def live_quotes(database, service):
    async with database.transaction() as session:
        await session.execute(methods.update().values(live=True))
    goods = Goods(subtotal=Money(1000, "EUR"), weight_grams=2500)
    return [(quote.method.id, quote.price.minor) for quote in await service.quoting.quotes(Destination("DE"), goods)]


async def test_live_rates(database, service):
    assert await live_quotes(database, service) == [("shm_standard", 700), ("shm_express", 1400)]


async def test_a_carrier_that_does_not_answer_is_stood_in_for_and_then_left_alone(database, clock, plan, confirmed):
    carrier = BrokenCarrier(database, clock, transit_after=1, delivered_after=5)
    service = make_service(database, carrier, clock, rates_timeout=0.01)
    for _ in range(8):
        assert await live_quotes(database, service) == [("shm_standard", 490), ("shm_express", 1290)]
    assert carrier.asked == 5
    carrier.asked = 0
    for at in range(8):
        await plan(confirmed(order_id=f"ord_{at}"))
    await service.shipments.drive_due()
    assert carrier.asked == 5
    async with database.session() as session:
        assert (await store.of_orders(session, ["ord_1"]))["ord_1"][0].status == ShipmentStatus.PENDING
        assert (await session.execute(select(outbox))).all() == []
