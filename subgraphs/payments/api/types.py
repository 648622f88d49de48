"""Payments, refunds, disputes and their history as clients see them; no token or key ever leaves the shop."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from kernel.errors import DomainError
from kernel.graphql import Connection, ErrorCode, Money, UserError, user_errors
from kernel.identity import Caller, require_service
from subgraphs.payments.api.context import Info
from subgraphs.payments.domain import errors
from subgraphs.payments.domain import payment as domain
from subgraphs.payments.domain.payment import ChargebackStatus, EventKind, PaymentStatus, Progress

strawberry.enum(PaymentStatus, description="Where a payment stands; PENDING is an outcome that is not known yet.")
strawberry.enum(Progress, name="RefundStatus", description="Where a refund stands.")
strawberry.enum(ChargebackStatus, description="Where a buyer's dispute stands at the bank.")
strawberry.enum(EventKind, name="PaymentEventKind", description="What a payment event tells of.")


@strawberry.type(description="Money on its way back to the buyer.")
class Refund:
    """Money on its way back to the buyer."""

    id: strawberry.ID
    amount: Money
    status: Progress
    reason: str
    created_at: datetime
    one: strawberry.Private[domain.Refund]

    @strawberry.federation.field(inaccessible=True, description="The key that it was asked for under.")
    async def key(self, info: Info) -> str:
        """Give the key, to our own services."""
        require_service(info.context.caller)
        return self.one.idempotency_key

    @classmethod
    def of(cls, refund: domain.Refund) -> Self:
        """Show a refund."""
        return cls(
            id=strawberry.ID(refund.id),
            amount=Money.of(refund.amount),
            status=refund.status,
            reason=refund.reason,
            created_at=refund.created_at,
            one=refund,
        )


@strawberry.type(description="Something that happened to a payment; events are never changed.")
class PaymentEvent:
    """Something that happened to a payment."""

    kind: EventKind
    amount: Money
    code: str | None
    at: datetime


@strawberry.type(description="A buyer had the bank take money back; won, it comes again.")
class Chargeback:
    """A buyer had the bank take money back."""

    id: strawberry.ID
    amount: Money
    status: ChargebackStatus
    reason: str
    opened_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, chargeback: domain.Chargeback) -> Self:
        """Show a chargeback."""
        return cls(
            id=strawberry.ID(chargeback.id),
            amount=Money.of(chargeback.amount),
            status=chargeback.status,
            reason=chargeback.reason,
            opened_at=chargeback.opened_at,
            closed_at=chargeback.closed_at,
        )


@strawberry.type(description="What the buyer must do before the payment goes on, such as a 3-D Secure step.")
class PaymentAction:
    """What the buyer must do first."""

    url: str = strawberry.field(description="Where the buyer is to be sent; without a host, below the store's address.")


@strawberry.type(description="An attempt to pay an order.")
class Payment:
    """An attempt to pay an order."""

    id: strawberry.ID
    status: PaymentStatus
    amount: Money
    captured: Money = strawberry.field(description="What was taken; of what is held perhaps a part.")
    refunded: Money
    refundable: Money = strawberry.field(description="What may still be given back.")
    charged_back: Money
    decline_code: str | None
    retryable: bool = strawberry.field(description="Whether another try after a decline may help.")
    action: PaymentAction | None = strawberry.field(description="Set while the status is REQUIRES_ACTION.")
    created_at: datetime
    one: strawberry.Private[domain.Payment]

    @strawberry.field(description="What it pays.")
    async def order(self) -> Order:
        """Name the order."""
        return Order(id=strawberry.ID(self.one.order_id))

    @strawberry.field(description="Who moves the money; for staff.")
    async def provider(self, info: Info) -> str | None:
        """Name the provider."""
        return self.one.provider if info.context.caller.works_here else None

    @strawberry.field(description="What the provider calls it; for staff.")
    async def provider_reference(self, info: Info) -> str | None:
        """Give the provider's reference."""
        return self.one.provider_reference or None if info.context.caller.works_here else None

    @strawberry.field(description="What the provider kept for its work; for staff.")
    async def fees(self, info: Info) -> Money | None:
        """Give the fees."""
        return Money.of(self.one.fees) if info.context.caller.works_here else None

    @strawberry.field(description="What its buyer disputed at the bank, the oldest first.")
    async def chargebacks(self, info: Info) -> list[Chargeback]:
        """Give the chargebacks."""
        return [Chargeback.of(each) for each in await info.context.loaders.chargebacks.load(self.id)]

    @strawberry.field(description="What was given back of it, the oldest first.")
    async def refunds(self, info: Info) -> list[Refund]:
        """Give the refunds."""
        return [Refund.of(refund) for refund in await info.context.loaders.refunds.load(self.id)]

    @strawberry.field(description="All that happened to it, the oldest first.")
    async def events(self, info: Info) -> list[PaymentEvent]:
        """Give the events."""
        return [
            PaymentEvent(kind=event.kind, amount=Money.of(event.amount), code=event.code or None, at=event.at)
            for event in await info.context.loaders.events.load(self.id)
        ]

    @classmethod
    def of(cls, payment: domain.Payment) -> Self:
        """Show a payment."""
        return cls(
            id=strawberry.ID(payment.id),
            status=payment.status,
            amount=Money.of(payment.amount),
            captured=Money.of(payment.captured),
            refunded=Money.of(payment.refunded),
            refundable=Money.of(payment.refundable),
            charged_back=Money.of(payment.charged_back),
            decline_code=payment.decline_code or None,
            retryable=payment.retryable,
            action=PaymentAction(url=payment.action_url) if payment.action_url else None,
            created_at=payment.created_at,
            one=payment,
        )


@strawberry.type(description="A page of payments, the newest first.")
class PaymentConnection(Connection[Payment]):
    """A page of payments."""


@strawberry.input(description="Which payments are wanted.")
class PaymentWhere:
    """Which payments are wanted."""

    status_in: list[PaymentStatus] | None = None
    order_id: strawberry.ID | None = None
    customer_id: strawberry.ID | None = None
    provider_reference: str | None = None


@strawberry.federation.type(keys=["id"], description="An order of the shop.")
class Order:
    """An order, as far as payments know it."""

    id: strawberry.ID

    @strawberry.field(description="The attempts to pay it, the first one first.")
    async def payments(self, info: Info) -> list[Payment]:
        """Give the payments that the caller may see."""
        payments = await info.context.loaders.of_order.load(self.id)
        return [Payment.of(payment) for payment in payments if visible(payment, info.context.caller)]


def visible(payment: domain.Payment, caller: Caller) -> bool:
    """Tell whether a caller may see a payment: its buyer, who works here, and whoever holds a guest's order."""
    return caller.works_here or caller.is_service or payment.customer_id in {None, caller.id}


@strawberry.type(description="More was to be given back than is left of the payment.")
class RefundTooLargeError(UserError):
    """More was to be given back than is left of the payment."""

    refundable: Money


def _refund_too_large(error: errors.RefundExceedsPaymentError) -> RefundTooLargeError:
    return RefundTooLargeError(
        code=ErrorCode.REFUND_TOO_LARGE,
        message=error.message,
        path=list(error.path),
        refundable=Money.of(error.left),
    )


def payment_errors(error: DomainError) -> list[UserError]:
    """Show what a payment use case refused."""
    return user_errors(error, special={errors.RefundExceedsPaymentError: _refund_too_large})
