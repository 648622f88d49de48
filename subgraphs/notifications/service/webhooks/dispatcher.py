"""Brings deliveries to their receivers: many at a time, few for each endpoint, so that a slow one delays no other.

A delivery is claimed for a while, sent outside of any transaction and settled. What a dying process had claimed is due
again when the claim ends, under the same message id, by which the receiver knows it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import telemetry
from kernel.clock import Clock
from kernel.database import Database
from subgraphs.notifications.domain.webhooks import (
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    Receipt,
    rest_after,
    sign,
)
from subgraphs.notifications.service.webhooks.endpoints import Endpoints
from subgraphs.notifications.service.webhooks.filling import Filling, UnfilledError
from subgraphs.notifications.service.writing import Writing
from subgraphs.notifications.storage import deliveries as stored
from subgraphs.notifications.storage import endpoints as stored_endpoints
from subgraphs.notifications.storage.receiver import Receiver

_AT_ONCE: Final = 50
_EACH: Final = 4
_CLAIM: Final = timedelta(minutes=2)
_KEPT: Final = timedelta(days=30)
_PORTION: Final = 1000
_log = telemetry.get_logger("webhooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """When an endpoint is switched off: after failing for so long, or so often in a row."""

    span: timedelta = timedelta(days=5)
    failures: int = 100

    def ends(self, endpoint: Endpoint, now: datetime) -> bool:
        """Tell whether it is enough."""
        since = endpoint.failing_since or now
        return endpoint.failures >= self.failures or (endpoint.failures > 1 and now - since >= self.span)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Sends what is due."""

    database: Database
    clock: Clock
    endpoints: Endpoints
    filling: Filling
    receiver: Receiver
    writing: Writing
    patience: Patience
    _running: dict[asyncio.Task[None], str] = field(default_factory=dict[asyncio.Task[None], str])

    async def deliver_due(self) -> int:
        """Begin with what is due, as far as there is room; tell how much that was."""
        if len(self._running) >= _AT_ONCE:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        busy = [endpoint_id for endpoint_id, count in Counter(self._running.values()).items() if count >= _EACH]
        now = self.clock.now()
        async with self.database.transaction() as session:
            due = await stored.claim_due(
                session, now, until=now + _CLAIM, busy=busy, each=_EACH, at_most=_AT_ONCE - len(self._running)
            )
            known = await stored_endpoints.find(session, [each.endpoint_id for each in due]) if due else {}
        for delivery in due:
            task = asyncio.create_task(self._deliver(delivery, known[delivery.endpoint_id]))
            self._running[task] = delivery.endpoint_id
            task.add_done_callback(lambda done: self._running.pop(done, None))
        return len(due)

    async def idle(self) -> None:
        """Wait until nothing is on its way."""
        while self._running:
            await asyncio.wait(list(self._running))

    async def close(self) -> None:
        """Break off what is on its way; it is due again when its claim ends."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def send(self, delivery: Delivery, endpoint: Endpoint) -> Attempt:
        """Try a delivery now and keep what came of it."""
        began, clock = self.clock.now(), time.monotonic()
        try:
            receipt, ours = await self._post(delivery, endpoint), False
        except UnfilledError as error:
            receipt, ours = Receipt(error=error.message), True
        attempt = Attempt(
            delivery_id=delivery.id,
            number=delivery.attempts,
            at=began,
            seconds=round(time.monotonic() - clock, 3),
            status=receipt.status,
            error=receipt.error or (None if receipt.taken else f"It answered with {receipt.status}."),
            excerpt=receipt.excerpt,
        )
        async with self.database.transaction() as session:
            await stored.note_attempt(session, attempt)
            await self._settle(session, delivery, receipt)
            if not ours and not delivery.test:
                await self._note(session, endpoint, receipt)
        return attempt

    async def forget_old(self) -> int:
        """Delete deliveries that are older than what is kept; tell how many."""
        async with self.database.transaction() as session:
            return await stored.forget_before(session, self.clock.now() - _KEPT, at_most=_PORTION)

    async def _deliver(self, delivery: Delivery, endpoint: Endpoint) -> None:
        try:
            await self.send(delivery, endpoint)
        except Exception:  # whatever it is, the delivery is due again when its claim ends
            _log.exception("webhook not settled", delivery=delivery.id)

    async def _post(self, delivery: Delivery, endpoint: Endpoint) -> Receipt:
        body = delivery.body
        if body is None:
            body = await self.filling.body(delivery, endpoint.query, endpoint.user_id)
            async with self.database.transaction() as session:
                await stored.keep_body(session, delivery.id, body)
        headers = sign(self.endpoints.secrets(endpoint), delivery.id, self.clock.now(), body)
        return await self.receiver.post(endpoint.url, {**headers, "storegraph-attempt": str(delivery.attempts)}, body)

    async def _settle(self, session: AsyncSession, delivery: Delivery, receipt: Receipt) -> None:
        now = self.clock.now()
        rest = None if receipt.gone or delivery.test else rest_after(delivery.attempts, wish=receipt.retry_after)
        if receipt.taken:
            await stored.settle(session, delivery.id, DeliveryState.DELIVERED, now)
        elif rest is None:
            await stored.settle(session, delivery.id, DeliveryState.FAILED, now)
        else:
            await stored.postpone(session, delivery.id, now + rest)

    async def _note(self, session: AsyncSession, endpoint: Endpoint, receipt: Receipt) -> None:
        """Keep count of failures, and switch an endpoint off when it is enough."""
        if receipt.taken:
            await stored_endpoints.note_success(session, endpoint.id)
            return
        now = self.clock.now()
        failing = await stored_endpoints.note_failure(session, endpoint.id, now)
        if failing is None or not (receipt.gone or self.patience.ends(failing, now)):
            return
        since = failing.failing_since or now
        reason = "it answered 410 Gone" if receipt.gone else f"every try has failed since {since:%Y-%m-%d %H:%M} UTC"
        if await stored_endpoints.disable(session, endpoint.id, reason):
            _log.warning("webhook endpoint switched off", endpoint=endpoint.id, reason=reason)
            await self.writing.tell_of_endpoint(session, failing, reason)
