"""How the carrier is asked: within a deadline, and not at all while it has failed again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from kernel.breaker import Breaker
from kernel.errors import InfrastructureError, NotFoundError
from subgraphs.shipping.domain.carrier import Carrier, Journey, Label, LiveRate, Parcel, Tracking

T = TypeVar("T")


class CarrierSilentError(InfrastructureError):
    """The carrier did not answer in time; what was asked may have been done."""

    def __init__(self, carrier: str) -> None:
        super().__init__(f"{carrier} did not answer in time", retryable=True)


class CarrierDesk:
    """The carrier of the shop, behind deadlines and a breaker."""

    def __init__(self, carrier: Carrier, *, timeout: float, rates_timeout: float, pause: float) -> None:
        self._carrier = carrier
        self._timeout = timeout
        self._rates_timeout = rates_timeout
        self._breaker = Breaker(f"carrier {carrier.name}", pause=pause)
        self._rates_breaker = Breaker(f"rates of carrier {carrier.name}", pause=pause)

    @property
    def name(self) -> str:
        """The carrier's name."""
        return self._carrier.name

    async def book(self, parcel: Parcel) -> Label:
        """Book a parcel."""
        return await self._ask(self._breaker, self._timeout, lambda: self._carrier.book(parcel))

    async def track(self, tracking_number: str) -> Journey:
        """Ask what happened to a parcel."""
        return await self._ask(self._breaker, self._timeout, lambda: self._carrier.track(tracking_number))

    async def rates(self, country: str, postal_code: str, weight_grams: int, currency: str) -> Sequence[LiveRate]:
        """Ask for prices, but not for long: a buyer waits."""
        return await self._ask(
            self._rates_breaker,
            self._rates_timeout,
            lambda: self._carrier.rates(country, postal_code, weight_grams, currency),
        )

    def read_webhook(self, sender: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Tracking:
        """Read a webhook.

        Raises:
            NotFoundError: there is no carrier of that name.
            SignatureError: it is not the carrier's, or too old.
            InvalidInputError: it is signed and makes no sense.
        """
        if sender != self._carrier.name:
            raise NotFoundError(f"There is no carrier {sender[:40]!r}.")
        return self._carrier.read_webhook(headers, body, now)

    async def _ask(self, breaker: Breaker, seconds: float, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with breaker.guard():
            try:
                async with asyncio.timeout(seconds):
                    return await question()
            except TimeoutError as error:
                raise CarrierSilentError(self._carrier.name) from error
