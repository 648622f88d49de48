"""Trying out: what an endpoint would be sent, sending it a test, and sending again what it missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.events.envelope import Event, UnknownEventError
from kernel.identity import Caller
from kernel.ids import new_id
from subgraphs.notifications.domain.offers import OFFERS, facts_of
from subgraphs.notifications.domain.webhooks import Attempt, Delivery, DeliveryState, Endpoint, sign
from subgraphs.notifications.service.webhooks.dispatcher import Dispatcher
from subgraphs.notifications.service.webhooks.endpoints import Endpoints
from subgraphs.notifications.service.webhooks.filling import Filling, UnfilledError
from subgraphs.notifications.storage import deliveries as stored

_CLAIM: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be sent."""

    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Sends at somebody's wish."""

    database: Database
    clock: Clock
    endpoints: Endpoints
    filling: Filling
    dispatcher: Dispatcher

    async def dry_run(self, caller: Caller, endpoint_id: str, event_type: str) -> Draft:
        """Make the message that the newest event of a type would become, and send nothing.

        Raises:
            DomainError: the endpoint is not theirs, or the message cannot be made now.
        """
        endpoint = await self.endpoints.get(caller, endpoint_id)
        delivery = await self._example(caller, endpoint, event_type)
        try:
            body = await self.filling.body(delivery, endpoint.query, endpoint.user_id)
        except UnfilledError as error:
            raise ConflictError(error.message) from error
        return Draft(sign(self.endpoints.secrets(endpoint), delivery.id, self.clock.now(), body), body)

    async def test(self, caller: Caller, endpoint_id: str, event_type: str) -> tuple[Delivery, Attempt]:
        """Send a test at once, marked as such; it is not tried again and counts for nothing.

        Raises:
            DomainError: the endpoint is not theirs.
        """
        endpoint = await self.endpoints.get(caller, endpoint_id)
        delivery = await self._example(caller, endpoint, event_type)
        async with self.database.transaction() as session:
            await stored.add(session, delivery)
        attempt = await self.dispatcher.send(delivery, endpoint)
        return await self.endpoints.delivery(caller, delivery.id), attempt

    async def replay(self, caller: Caller, delivery_id: str) -> tuple[Delivery, Attempt]:
        """Send a delivery again at once, whatever became of it before; the receiver knows it by its id.

        Raises:
            NotFoundError: it is not theirs.
        """
        known = await self.endpoints.delivery(caller, delivery_id)
        endpoint = await self.endpoints.get(caller, known.endpoint_id)
        async with self.database.transaction() as session:
            delivery = await stored.claim(session, delivery_id, self.clock.now() + _CLAIM)
        if delivery is None:
            raise NotFoundError("There is no such delivery.", path=("id",))
        attempt = await self.dispatcher.send(delivery, endpoint)
        return await self.endpoints.delivery(caller, delivery_id), attempt

    async def _example(self, caller: Caller, endpoint: Endpoint, event_type: str) -> Delivery:
        """Make a test delivery of the newest event of a type, or of invented facts where there was none."""
        if event_type not in OFFERS or not (OFFERS[event_type].for_vendors or caller.works_here):
            raise InvalidInputError(f"You cannot hear of {event_type!r}.", path=("eventType",))
        async with self.database.session() as session:
            newest = await stored.newest_event(session, event_type)
        now, facts = self.clock.now(), _facts(newest) or OFFERS[event_type].sample()
        return Delivery(
            id=new_id("whd"),
            endpoint_id=endpoint.id,
            event_id=new_id("evt"),
            event_type=event_type,
            happened_at=now,
            facts=facts,
            customer_id=facts.get("customerId") or facts.get("userId"),
            body=None,
            state=DeliveryState.PENDING,
            attempts=1,
            due_at=now + _CLAIM,
            created_at=now,
            test=True,
        )


def _facts(event: dict[str, Any] | None) -> dict[str, Any] | None:
    try:
        return None if event is None else facts_of(Event.from_builtins(event).data)
    except UnknownEventError:
        return None
