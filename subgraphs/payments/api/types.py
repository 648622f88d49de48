"""Payments, refunds and their history as clients see them; no token or key ever leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from kernel.errors import DomainError
from kernel.graphql import ErrorCode, Money, UserError, user_errors
from kernel.identity import Caller
from subgraphs.payments.api.context import Info
from subgraphs.payments.domain import payment as domain
from subgraphs.payments.domain.payment import EventKind, PaymentStatus, RefundStatus

strawberry.enum(PaymentStatus, description="Where a payment stands; PENDING is an outcome that is not known yet.")
strawberry.enum(RefundStatus, description="Where a refund stands.")
strawberry.enum(EventKind, name="PaymentEventKind", description="What a payment event tells of.")


@strawberry.type(description="Money on its way back to the buyer.")
class Refund:
    """Money on its way back to the buyer."""

    id: strawberry.ID
    amount: Money
    status: RefundStatus
    reason: str
    created_at: datetime

    @classmethod
    def of(cls, refund: domain.Refund) -> Self:
        """Show a refund."""
        return cls(
            id=strawberry.ID(refund.id),
            amount=Money.of(refund.amount),
            status=refund.status,
            reason=refund.reason,
            created_at=refund.created_at,
        )


@strawberry.type(description="Something that happened to a payment; events are never changed.")
class PaymentEvent:
    """Something that happened to a payment."""

    kind: EventKind
    amount: Money
    code: str | None
    at: datetime


@strawberry.type(description="An attempt to pay an order.")
class Payment:
    """An attempt to pay an order."""

    id: strawberry.ID
    status: PaymentStatus
    amount: Money
    refunded: Money
    decline_code: str | None
    retryable: bool = strawberry.field(description="Whether another try after a decline may help.")
    created_at: datetime

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
            refunded=Money.of(payment.refunded),
            decline_code=payment.decline_code or None,
            retryable=payment.retryable,
            created_at=payment.created_at,
        )


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


def _refund_too_large(error: domain.RefundExceedsPaymentError) -> RefundTooLargeError:
    return RefundTooLargeError(
        code=ErrorCode.REFUND_TOO_LARGE,
        message=error.message,
        path=list(error.path),
        refundable=Money.of(error.left),
    )


def payment_errors(error: DomainError) -> list[UserError]:
    """Show what a payment use case refused."""
    return user_errors(error, special={domain.RefundExceedsPaymentError: _refund_too_large})
