"""Prices parcels: by the shop's own rates, and by what the carrier asks where a method says so."""

from __future__ import annotations

from collections.abc import Sequence

from kernel import telemetry
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InfrastructureError, InvalidInputError
from subgraphs.shipping.domain.carrier import LiveRate
from subgraphs.shipping.domain.rates import Destination, Goods, Method, Offer, Quote, quotes
from subgraphs.shipping.service.carriers import CarrierDesk
from subgraphs.shipping.storage import rates as rate_store

_log = telemetry.get_logger("shipping")


class Quoting:
    """Prices parcels."""

    def __init__(self, database: Database, carriers: CarrierDesk, clock: Clock) -> None:
        self._database = database
        self._carriers = carriers
        self._clock = clock

    async def quotes(self, destination: Destination, goods: Goods) -> tuple[Quote, ...]:
        """Price every method for a parcel, the cheapest first; without the carrier's answer our own rates count."""
        country = destination.country
        if len(country) != 2 or not (country.isascii() and country.isupper()):
            raise InvalidInputError("A country is two capital letters, such as DE.", path=("country",))
        async with self._database.session() as session:
            offer = await rate_store.offer_in(session, goods.subtotal.currency)
        live = await self._live(offer, destination, goods)
        return quotes(offer, destination, goods, self._clock.now(), live)

    async def methods(self) -> list[Method]:
        """Name every way to send parcels that is offered."""
        async with self._database.session() as session:
            return await rate_store.all_methods(session)

    async def _live(self, offer: Offer, destination: Destination, goods: Goods) -> Sequence[LiveRate]:
        if not any(rate.method.live for rate in offer.rates):
            return ()
        asked = (destination.country, destination.postal_code, goods.weight_grams, goods.subtotal.currency)
        try:
            return await self._carriers.rates(*asked)
        except InfrastructureError as error:
            _log.warning("no live rates", carrier=self._carriers.name, reason=error.message)
            return ()
