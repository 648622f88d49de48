"""What partners do with their endpoints: register, change, read the log, replay; others' do not exist to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity import Caller, Kind, require
from kernel.ids import new_id
from kernel.pagination import Page, Slice
from kernel.sealing import seal, unseal
from subgraphs.notifications.domain.addresses import AddressRules
from subgraphs.notifications.domain.offers import OFFERS, check_query
from subgraphs.notifications.domain.webhooks import (
    ROTATION,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    new_secret,
)
from subgraphs.notifications.service.webhooks.filling import Filling, UnfilledError
from subgraphs.notifications.storage import deliveries as stored_deliveries
from subgraphs.notifications.storage import endpoints as stored

PARTNERS: Final[frozenset[Kind]] = frozenset({"vendor", "staff", "admin"})
_MOST_ENDPOINTS: Final = 20
_LONGEST_DESCRIPTION: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChange:
    """What is to be registered or changed; None leaves a thing as it is, an empty query takes it away."""

    url: str | None = None
    description: str | None = None
    event_types: tuple[str, ...] | None = None
    query: str | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Keeps endpoints."""

    database: Database
    clock: Clock
    rules: AddressRules
    filling: Filling
    key: bytes

    async def create(self, caller: Caller, wanted: EndpointChange) -> tuple[Endpoint, str]:
        """Register an endpoint; gives it with its secret, which is never shown again.

        Raises:
            DomainError: something about it cannot be.
        """
        user_id = require(caller, kinds=PARTNERS)
        secret, endpoint_id = new_secret(), new_id("whe")
        url, types = wanted.url or "", wanted.event_types or ()
        await self._check(caller, url, types, wanted.query or None)
        endpoint = Endpoint(
            id=endpoint_id,
            user_id=user_id,
            url=url,
            description=_described(wanted.description or ""),
            event_types=types,
            query=wanted.query or None,
            state=EndpointState.ENABLED,
            disabled_reason=None,
            failures=0,
            failing_since=None,
            created_at=self.clock.now(),
            secret=seal(self.key, secret.encode(), context=endpoint_id),
        )
        async with self.database.transaction() as session:
            if await stored.count_of(session, user_id) >= _MOST_ENDPOINTS:
                raise ConflictError(f"You have {_MOST_ENDPOINTS} endpoints; remove one first.")
            await stored.add(session, endpoint)
        return endpoint, secret

    async def update(self, caller: Caller, endpoint_id: str, wanted: EndpointChange) -> Endpoint:
        """Change an endpoint; enabling it forgets its failures.

        Raises:
            DomainError: it is not theirs, or something about it cannot be.
        """
        before = await self.get(caller, endpoint_id)
        values = _values(wanted)
        merged = {**{name: getattr(before, name) for name in ("url", "event_types", "query")}, **values}
        if values.keys() & {"url", "event_types", "query"}:
            await self._check(caller, merged["url"], merged["event_types"], merged["query"])
        async with self.database.transaction() as session:
            changed = await stored.change(session, endpoint_id, **values) if values else before
        if changed is None:
            raise NotFoundError("There is no such endpoint.", path=("id",))
        return changed

    async def remove(self, caller: Caller, endpoint_id: str) -> None:
        """Remove an endpoint with all that waits for it.

        Raises:
            NotFoundError: it is not theirs.
        """
        await self.get(caller, endpoint_id)
        async with self.database.transaction() as session:
            await stored.remove(session, endpoint_id)

    async def rotate(self, caller: Caller, endpoint_id: str) -> tuple[Endpoint, str]:
        """Give an endpoint a new secret; the one before is signed with as well for a day.

        Raises:
            NotFoundError: it is not theirs.
        """
        await self.get(caller, endpoint_id)
        secret = new_secret()
        sealed = seal(self.key, secret.encode(), context=endpoint_id)
        async with self.database.transaction() as session:
            await stored.rotate_secret(session, endpoint_id, sealed, self.clock.now() + ROTATION)
        return await self.get(caller, endpoint_id), secret

    async def get(self, caller: Caller, endpoint_id: str) -> Endpoint:
        """Read an endpoint of the caller; the staff may read all.

        Raises:
            NotFoundError: it is not theirs.
        """
        user_id = require(caller, kinds=PARTNERS)
        async with self.database.session() as session:
            found = (await stored.find(session, [endpoint_id])).get(endpoint_id)
        if found is None or not (caller.works_here or found.user_id == user_id):
            raise NotFoundError("There is no such endpoint.", path=("id",))
        return found

    async def page(self, caller: Caller, page: Page, *, everybodys: bool) -> Slice[Endpoint]:
        """Read one page of the caller's endpoints; of everybody's only for the staff."""
        user_id = require(caller, kinds=PARTNERS)
        if everybodys:
            require(caller, kinds={"staff", "admin"})
        async with self.database.session() as session:
            return await stored.page_of(session, page, None if everybodys else user_id)

    async def deliveries(self, endpoint_id: str, page: Page, state: DeliveryState | None) -> Slice[Delivery]:
        """Read one page of the delivery log of an endpoint that the caller may read."""
        async with self.database.session() as session:
            return await stored_deliveries.page_of(session, endpoint_id, page, state)

    async def attempts(self, delivery_ids: Sequence[str]) -> dict[str, list[Attempt]]:
        """Read the tries of many deliveries."""
        async with self.database.session() as session:
            return await stored_deliveries.attempts_of(session, delivery_ids)

    async def delivery(self, caller: Caller, delivery_id: str) -> Delivery:
        """Read a delivery of an endpoint of the caller.

        Raises:
            NotFoundError: it is not theirs.
        """
        require(caller, kinds=PARTNERS)
        async with self.database.session() as session:
            found = await stored_deliveries.find(session, delivery_id)
        if found is None:
            raise NotFoundError("There is no such delivery.", path=("id",))
        await self.get(caller, found.endpoint_id)
        return found

    async def replay(self, caller: Caller, endpoint_id: str, since: datetime) -> int:
        """Have what was given up since then tried once more; tell how many deliveries.

        Raises:
            NotFoundError: the endpoint is not theirs.
        """
        await self.get(caller, endpoint_id)
        async with self.database.transaction() as session:
            return await stored_deliveries.replay_failed(session, endpoint_id, since, self.clock.now())

    def secrets(self, endpoint: Endpoint) -> list[str]:
        """Give the secrets that are valid now, the newest first."""
        kept = endpoint.old_secret_until is not None and endpoint.old_secret_until > self.clock.now()
        sealed = [endpoint.secret, *([endpoint.old_secret] if kept and endpoint.old_secret else [])]
        return [unseal(self.key, each, context=endpoint.id).decode() for each in sealed]

    async def _check(self, caller: Caller, url: str, types: tuple[str, ...], query: str | None) -> None:
        self.rules.check_url(url)
        allowed = {name for name, offer in OFFERS.items() if offer.for_vendors or caller.works_here}
        unknown = [name for name in types if name not in allowed]
        if unknown or not types:
            raise InvalidInputError(
                f"You cannot hear of {unknown[0]!r}." if unknown else "Name at least one event.", path=("eventTypes",)
            )
        if query:
            check_query(query, types)
            try:
                await self.filling.check(query, types, require(caller))
            except UnfilledError as error:
                raise ConflictError(f"The query cannot be checked now: {error.message}", path=("query",)) from error


def _values(wanted: EndpointChange) -> dict[str, Any]:
    """Give the columns that a change is about."""
    values: dict[str, Any] = {}
    if wanted.url is not None:
        values["url"] = wanted.url
    if wanted.description is not None:
        values["description"] = _described(wanted.description)
    if wanted.event_types is not None:
        values["event_types"] = wanted.event_types
    if wanted.query is not None:
        values["query"] = wanted.query or None
    if wanted.enabled is not None:
        reason = None if wanted.enabled else "switched off"
        state = EndpointState.ENABLED if wanted.enabled else EndpointState.DISABLED
        values |= {"state": state, "disabled_reason": reason, "failures": 0, "failing_since": None}
    return values


def _described(text: str) -> str:
    if len(text) > _LONGEST_DESCRIPTION:
        raise InvalidInputError(f"At most {_LONGEST_DESCRIPTION} characters.", path=("description",))
    return text
