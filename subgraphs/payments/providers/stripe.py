"""Stripe, through its official library: one PaymentIntent for each payment, found again by our key in its metadata."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import stripe

from kernel.money import Money
from kernel.webhooks import verify
from subgraphs.payments.domain.errors import OutcomeUnknownError
from subgraphs.payments.domain.provider import (
    Accepted,
    Answer,
    ChargeAnswer,
    Declined,
    ProviderEvent,
    Record,
    RecordKind,
    Voided,
)
from subgraphs.payments.providers.stripe_client import PyreqwestClient
from subgraphs.payments.providers.stripe_objects import (
    KEY,
    UnsupportedAmountError,
    charge_answer,
    from_stripe,
    read_event,
    refund_answer,
    to_stripe,
)

T = TypeVar("T")

NAME: Final = "stripe"
_SIGNATURE: Final = "stripe-signature"
_PAGE: Final = 100


class StripeProvider:
    """Charges, refunds and statements at Stripe."""

    name = NAME

    def __init__(
        self,
        key: str,
        *,
        webhook_secrets: Sequence[str] = (),
        address: str = "https://api.stripe.com",
        return_url: str = "",
        timeout: float = 10.0,
    ) -> None:
        self._http = PyreqwestClient(timeout)
        client = stripe.StripeClient(
            key, http_client=self._http, base_addresses={"api": address}, max_network_retries=0
        )
        self._api = client.v1
        self._webhook_secrets = tuple(webhook_secrets)
        self._return_url = return_url

    async def charge(self, key: str, amount: Money, token: str, *, capture: bool = True) -> ChargeAnswer:
        """Create and confirm a PaymentIntent."""
        try:
            minor = to_stripe(amount)
        except UnsupportedAmountError:
            return Declined("amount_not_supported")
        params: Any = {
            "amount": minor,
            "currency": amount.currency.lower(),
            "payment_method": token,
            "confirm": True,
            "capture_method": "automatic" if capture else "manual",
            "metadata": {KEY: key},
        }
        if self._return_url:
            params["return_url"] = self._return_url
        else:
            params["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
        intents = self._api.payment_intents
        try:
            intent = await _asked(intents.create_async(params, {"idempotency_key": f"charge:{key}"}))
        except stripe.CardError as error:
            return _declined(error)
        except stripe.InvalidRequestError as error:
            return _declined(error)
        return charge_answer(intent.to_dict())

    async def find_charge(self, key: str) -> ChargeAnswer | None:
        """Search for the PaymentIntent of a key; Stripe's search may know it only a minute later."""
        quoted = key.replace("\\", "\\\\").replace("'", "\\'")
        query = {"query": f"metadata['{KEY}']:'{quoted}'", "limit": 1}
        found = await _asked(self._api.payment_intents.search_async(query))
        return charge_answer(found.data[0].to_dict()) if found.data else None

    async def capture(self, key: str, reference: str, amount: Money) -> Answer:
        """Capture a PaymentIntent, or a part of it; Stripe lets go of the rest."""
        params, options = {"amount_to_capture": to_stripe(amount)}, {"idempotency_key": f"capture:{key}"}
        try:
            intent = await _asked(self._api.payment_intents.capture_async(reference, params, options))
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            return _declined(error)
        answer = charge_answer(intent.to_dict())
        if isinstance(answer, Accepted | Declined):
            return answer
        raise OutcomeUnknownError("Stripe has not captured yet.")

    async def void(self, key: str, reference: str) -> Voided | Declined:
        """Cancel a PaymentIntent."""
        options = {"idempotency_key": f"void:{key}"}
        try:
            await _asked(self._api.payment_intents.cancel_async(reference, {}, options))
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            return _declined(error)
        return Voided(reference)

    async def refund(self, key: str, reference: str, amount: Money) -> Answer:
        """Refund an amount; one that Stripe still works on is told by webhook."""
        params = {"payment_intent": reference, "amount": to_stripe(amount), "metadata": {KEY: key}}
        options = {"idempotency_key": f"refund:{key}"}
        try:
            refund = await _asked(self._api.refunds.create_async(params, options))
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            return _declined(error)
        answer = refund_answer(refund.to_dict())
        if answer is None:
            raise OutcomeUnknownError("Stripe has not refunded yet.")
        return answer

    async def records(self, since: datetime, until: datetime) -> Sequence[Record]:
        """List charges, refunds and disputes of a time."""
        created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        return [
            *[
                _record(RecordKind.CHARGE, each, each["payment_intent"] or each["id"], each["amount_captured"])
                for each in await self._all(self._api.charges, created)
                if each["paid"] and each["amount_captured"]
            ],
            *[
                _record(RecordKind.REFUND, each, each["id"], each["amount"])
                for each in await self._all(self._api.refunds, created)
                if each["status"] == "succeeded"
            ],
            *[
                _record(RecordKind.CHARGEBACK, each, each["id"], each["amount"])
                for each in await self._all(self._api.disputes, created)
                if each["status"] not in {"won", "warning_closed"}
            ],
        ]

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent:
        """Read a webhook that has just come; the signature is checked here, by the shop's clock."""
        verify(self._webhook_secrets, headers.get(_SIGNATURE, ""), body, now)
        return read_event(body)

    def parse_webhook(self, body: bytes) -> ProviderEvent:
        """Read the body of a webhook that was checked before."""
        return read_event(body)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close_async()

    async def _all(self, service: Any, created: Mapping[str, int]) -> list[Any]:
        found: list[Any] = []
        more: dict[str, Any] = {}
        while True:
            page = await _asked(service.list_async({"created": dict(created), "limit": _PAGE, **more}))
            found += [each.to_dict() for each in page.data]
            if not page.has_more or not page.data:
                return found
            more = {"starting_after": page.data[-1].id}


async def _asked(question: Awaitable[T]) -> T:
    """Wait for Stripe; what is no refusal of this very request leaves its outcome open."""
    try:
        return await question
    except (stripe.CardError, stripe.InvalidRequestError):
        raise
    except stripe.StripeError as error:
        raise OutcomeUnknownError(f"Stripe gave no answer: {type(error).__name__}.") from error


def _declined(error: stripe.StripeError) -> Declined:
    details = error.error
    code = (getattr(details, "decline_code", None) or error.code or "declined") if details else error.code
    retryable = code in {"insufficient_funds", "processing_error", "issuer_not_available", "try_again_later"}
    return Declined(str(code or "declined")[:64], retryable)


def _record(kind: RecordKind, each: Any, reference: str, minor: int) -> Record:
    at = datetime.fromtimestamp(each["created"], UTC)
    return Record(kind=kind, reference=reference, amount=from_stripe(minor, each["currency"]), at=at)
