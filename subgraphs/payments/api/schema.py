"""The operations of payments. Taking money and asking for outcomes is for our own services only."""

from __future__ import annotations

import strawberry

from kernel.errors import DomainError
from kernel.graphql import MoneyInput, Schema, UserError, build_schema
from kernel.identity import require, require_service
from subgraphs.payments.api.context import Info
from subgraphs.payments.api.types import Order, Payment, Refund, RefundTooLargeError, payment_errors


@strawberry.federation.input(inaccessible=True, description="What to charge for an order.")
class PaymentProcessInput:
    """What to charge for an order."""

    order_id: strawberry.ID
    amount: MoneyInput
    token: str = strawberry.field(description="Stands for the means of payment; never card data.")
    customer_id: strawberry.ID | None = None


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


@strawberry.type
class Query:
    """Reads of payments."""

    @strawberry.federation.field(
        inaccessible=True,
        description="The payment of an idempotency key; the provider is asked when its outcome is not known.",
    )
    async def payment_by_key(self, info: Info, idempotency_key: str) -> Payment | None:
        """Find out what became of a payment."""
        require_service(info.context.caller)
        payment = await info.context.service.find(idempotency_key)
        return None if payment is None else Payment.of(payment)


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
            payment = await info.context.service.process(
                order_id=input.order_id,
                amount=input.amount.to_domain("input", "amount"),
                token=input.token,
                customer_id=input.customer_id,
                key=idempotency_key,
            )
        except DomainError as error:
            return PaymentProcessPayload(errors=payment_errors(error))
        return PaymentProcessPayload(payment=Payment.of(payment))

    @strawberry.mutation(description="Give money back, all that is left if no amount is named; for staff.")
    async def payment_refund(
        self,
        info: Info,
        payment_id: strawberry.ID,
        idempotency_key: str,
        amount: MoneyInput | None = None,
        reason: str = "",
    ) -> PaymentRefundPayload:
        """Give money back, once for each key."""
        require(info.context.caller, kinds={"service", "staff", "admin"})
        try:
            refund = await info.context.service.refund(
                payment_id=payment_id,
                amount=None if amount is None else amount.to_domain("amount"),
                reason=reason[:200],
                key=idempotency_key,
            )
        except DomainError as error:
            return PaymentRefundPayload(errors=payment_errors(error))
        return PaymentRefundPayload(refund=Refund.of(refund))


def make_schema() -> Schema:
    """Make the schema of payments."""
    return build_schema(Query, Mutation, types=[Order, RefundTooLargeError])
