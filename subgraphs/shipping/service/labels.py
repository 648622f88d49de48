"""Labels with which buyers send things back, and what carriers tell by themselves."""

from __future__ import annotations

from collections.abc import Mapping

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.ids import new_id
from subgraphs.shipping.domain.carrier import Parcel
from subgraphs.shipping.domain.shipment import ON_THE_WAY, Shipment
from subgraphs.shipping.service.carriers import CarrierDesk
from subgraphs.shipping.service.shipments import Shipments
from subgraphs.shipping.storage import shipments as store
from subgraphs.shipping.storage import tracking as tracking_store
from subgraphs.shipping.storage.tracking import ReturnLabel

_HEAVIEST = 1_000_000


class Labels:
    """Books the way back."""

    def __init__(self, database: Database, carriers: CarrierDesk, clock: Clock) -> None:
        self._database = database
        self._carriers = carriers
        self._clock = clock

    async def for_return(self, *, order_id: str, return_id: str, weight_grams: int, key: str) -> ReturnLabel:
        """Book a parcel back from a buyer; the same key books once.

        Raises:
            InvalidInputError: nothing weighs so much, or so little.
            NotFoundError: nothing of the order was ever sent.
            ConflictError: the key stands for another return.
        """
        if not 0 < weight_grams <= _HEAVIEST:
            raise InvalidInputError("A parcel weighs 1 g to 1 t.", path=("weightGrams",))
        async with self._database.session() as session:
            known = await tracking_store.return_label(session, key)
            sent = (await store.of_orders(session, [order_id])).get(order_id, [])
        if known is None:
            known = await self._book(_sent(sent), return_id, weight_grams, key)
        if (known.order_id, known.return_id) != (order_id, return_id):
            raise ConflictError("This key was used for another return.", path=("idempotencyKey",))
        return known

    async def _book(self, shipment: Shipment, return_id: str, weight_grams: int, key: str) -> ReturnLabel:
        parcel = Parcel(
            reference=f"{return_id}:{key}", method_id=shipment.method_id, address=shipment.address, returned=True
        )
        booked = await self._carriers.book(parcel)
        label = ReturnLabel(
            id=new_id("lbl"),
            order_id=shipment.order_id,
            return_id=return_id,
            shipment_id=shipment.id,
            idempotency_key=key,
            weight_grams=weight_grams,
            carrier=self._carriers.name,
            tracking_number=booked.tracking_number,
            label_url=booked.url,
            created_at=self._clock.now(),
        )
        async with self._database.transaction() as session:
            await tracking_store.add_return_label(session, label)
        async with self._database.session() as session:
            return await tracking_store.return_label(session, key) or label


class CarrierWebhooks:
    """Receives what carriers tell by themselves."""

    def __init__(self, carriers: CarrierDesk, shipments: Shipments, clock: Clock) -> None:
        self._carriers = carriers
        self._shipments = shipments
        self._clock = clock

    async def receive(self, sender: str, headers: Mapping[str, str], body: bytes) -> str:
        """Take a webhook in; one that came before changes nothing. Gives its id.

        Raises:
            NotFoundError: no such carrier.
            SignatureError: it is not the carrier's, or too old.
            InvalidInputError: it makes no sense.
        """
        tracking = self._carriers.read_webhook(sender, headers, body, self._clock.now())
        await self._shipments.hear(sender, tracking)
        return tracking.id


def _sent(shipments: list[Shipment]) -> Shipment:
    for shipment in shipments:
        if shipment.status in ON_THE_WAY:
            return shipment
    raise NotFoundError("Nothing of this order was sent.", path=("orderId",))
