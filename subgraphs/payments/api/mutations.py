"""Changes of payments. Taking money is for our own services only; what is done afterwards staff may do as well."""

from __future__ import annotations

import strawberry

from kernel.errors import DomainError, InvalidInputError
from kernel.graphql import MoneyInput, UserError
from kernel.identity import require, require_service
from subgraphs.payments.api.context import Info
from subgraphs.payments.api.types import Payment, Refund, payment_errors


@strawberry.federation.input(inaccessible=True, description="What to charge for an order.")
class PaymentProcessInput:
    """What to charge for an order."""

    order_id: strawberry.ID
    amount: MoneyInput
    token: str = strawberry.field(description="Stands for the means of payment; never card data.")
    customer_id: strawberry.ID | None = None
    capture: bool = strawberry.field(default=True, description="Whether to take the money, or only to hold it.")


@strawberry.federation.type(inaccessible=True, description="What came of an attempt to charge.")
class PaymentProcessPayload:
    """What came of an attempt to charge."""

    payment: Payment | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What came of a refund.")
class PaymentRefundPayload:
    """What came of a refund."""

    refund: Refund | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What came of a capture or a void.")
class PaymentPayload:
    """What came of a capture or a void."""

    payment: Payment | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class Mutation:
    """Changes of payments."""

    @strawberry.federation.field(inaccessible=True, description="Charge for an order, once for each key.")
    async def payment_process(
        self, info: Info, input: PaymentProcessInput, idempotency_key: str
    ) -> PaymentProcessPayload:
        """Charge for an order; a payment that is PENDING must be asked for by its key."""
        require_service(info.context.caller)
        try:
            payment = await info.context.service.charges.process(
                order_id=input.order_id,
                amount=input.amount.to_domain("input", "amount"),
                token=input.token,
                customer_id=input.customer_id,
                key=_key(idempotency_key),
                capture=input.capture,
            )
        except DomainError as error:
            return PaymentProcessPayload(errors=payment_errors(error))
        return PaymentProcessPayload(payment=Payment.of(payment))

    @strawberry.mutation(description="Take what is held, or a part of it, after which the rest is let go; for staff.")
    async def payment_capture(
        self, info: Info, payment_id: strawberry.ID, idempotency_key: str, amount: MoneyInput | None = None
    ) -> PaymentPayload:
        """Take what is held, once for each key."""
        require(info.context.caller, kinds={"service", "staff", "admin"})
        try:
            payment = await info.context.service.captures.capture(
                payment_id=payment_id,
                amount=None if amount is None else amount.to_domain("amount"),
                key=_key(idempotency_key),
            )
        except DomainError as error:
            return PaymentPayload(errors=payment_errors(error))
        return PaymentPayload(payment=Payment.of(payment))

    @strawberry.mutation(
        description="Let go of what is held, or give up a payment that waits for its buyer; for staff."
    )
    async def payment_void(self, info: Info, payment_id: strawberry.ID, idempotency_key: str) -> PaymentPayload:
        """Let go of what is held, once for each key."""
        require(info.context.caller, kinds={"service", "staff", "admin"})
        try:
            payment = await info.context.service.captures.void(payment_id=payment_id, key=_key(idempotency_key))
        except DomainError as error:
            return PaymentPayload(errors=payment_errors(error))
        return PaymentPayload(payment=Payment.of(payment))

    @strawberry.mutation(
        description="Give money back, all that is left if no amount is named; needs the scope `payments:refund`."
    )
    async def payment_refund(
        self,
        info: Info,
        payment_id: strawberry.ID,
        idempotency_key: str,
        amount: MoneyInput | None = None,
        reason: str = "",
    ) -> PaymentRefundPayload:
        """Give money back, once for each key."""
        caller = info.context.caller
        if not caller.is_service:
            require(caller, kinds={"staff", "admin"}, scopes={"payments:refund"})
        try:
            refund = await info.context.service.refunds.refund(
                payment_id=payment_id,
                amount=None if amount is None else amount.to_domain("amount"),
                reason=reason[:200],
                key=_key(idempotency_key),
            )
        except DomainError as error:
            return PaymentRefundPayload(errors=payment_errors(error))
        return PaymentRefundPayload(refund=Refund.of(refund))


def _key(text: str) -> str:
    """Let a key pass that every provider takes.

    Raises:
        InvalidInputError: it is empty or too long.
    """
    if not 0 < len(text) <= 200:
        raise InvalidInputError("An idempotency key has 1 to 200 characters.", path=("idempotencyKey",))
    return text
