"""What all use cases of payments share: the books, the providers, the clock, and how a provider is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import telemetry
from kernel.breaker import Breaker, BreakerOpenError
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.money import Money
from subgraphs.payments.domain.errors import OutcomeUnknownError, UnknownProviderError
from subgraphs.payments.domain.payment import EventKind, Payment, PaymentEvent
from subgraphs.payments.domain.provider import PaymentProvider
from subgraphs.payments.storage import payments as store

T = TypeVar("T")
W = TypeVar("W")

_log = telemetry.get_logger("payments")

BATCH = 10
"""How much due work one portion of a job takes up."""


class Till:
    """Asks providers within a deadline, and leaves one alone that does not answer."""

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, PaymentProvider],
        clock: Clock,
        *,
        provider_timeout: float,
        settle_after: float,
        action_within: float,
    ) -> None:
        self.database = database
        self.default_provider = next(iter(providers))
        self._providers = providers
        self._clock = clock
        self._timeout = provider_timeout
        self._settle_after = timedelta(seconds=settle_after)
        self._action_within = timedelta(seconds=action_within)
        self._breakers = {name: Breaker(f"payment provider {name}", pause=settle_after) for name in providers}

    @property
    def now(self) -> datetime:
        """The time."""
        return self._clock.now()

    @property
    def again_at(self) -> datetime:
        """When what is open now is looked at again."""
        return self._clock.now() + self._settle_after

    @property
    def action_until(self) -> datetime:
        """How long a buyer who begins now has for the provider's step."""
        return self._clock.now() + self._action_within

    def provider(self, name: str) -> PaymentProvider:
        """Find a provider.

        Raises:
            UnknownProviderError: there is none of that name.
        """
        if name not in self._providers:
            raise UnknownProviderError(name)
        return self._providers[name]

    async def ask(self, provider: str, question: Awaitable[T]) -> T:
        """Wait for a provider's answer, for a while.

        Raises:
            OutcomeUnknownError: none came, or nobody was asked because none came lately.
        """
        try:
            async with self._breakers[provider].guard(), asyncio.timeout(self._timeout):
                return await question
        except BreakerOpenError as error:
            asyncio.ensure_future(question).cancel()
            raise OutcomeUnknownError(error.message) from error
        except TimeoutError as error:
            raise OutcomeUnknownError("The payment provider took too long.") from error

    async def each(self, work: Callable[[W], Awaitable[object]], things: Sequence[W]) -> int:
        """Do due work side by side; what fails is told and tried again later, and holds up nothing else."""
        for outcome in await asyncio.gather(*map(work, things), return_exceptions=True):
            if isinstance(outcome, Exception):
                _log.warning("due work failed", error=repr(outcome))
        return len(things)

    async def payment(self, payment_id: str) -> Payment:
        """Read a payment.

        Raises:
            NotFoundError: there is none.
        """
        async with self.database.session() as session:
            payment = await store.by_id(session, payment_id)
        if payment is None:
            raise NotFoundError("No such payment.", path=("paymentId",))
        return payment

    async def locked(self, session: AsyncSession, payment_id: str) -> Payment:
        """Read a payment that nobody else can change until the transaction ends.

        Raises:
            NotFoundError: there is none.
        """
        payment = await store.by_id(session, payment_id, lock=True)
        if payment is None:
            raise NotFoundError("No such payment.", path=("paymentId",))
        return payment

    def event(self, kind: EventKind, amount: Money, reference: str = "", code: str = "") -> PaymentEvent:
        """Note that something happened now."""
        return PaymentEvent(kind=kind, amount=amount, at=self.now, provider_reference=reference, code=code)
