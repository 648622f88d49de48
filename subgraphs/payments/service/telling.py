"""How payments tells the others: which event each turn of a payment is."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import PaymentDisputed, PaymentFailed, PaymentProcessed, PaymentRefunded
from kernel.events.outbox import record
from kernel.money import Money
from subgraphs.payments.domain.payment import Chargeback, Payment, PaymentStatus, Refund


async def tell_settled(session: AsyncSession, payment: Payment) -> None:
    """Tell that money was taken, or that it will not be."""
    if payment.status == PaymentStatus.CAPTURED:
        processed = PaymentProcessed(**_facts(payment, payment.captured), provider_reference=payment.provider_reference)
        await record(session, processed, subject=payment.order_id)
    elif payment.status in {PaymentStatus.DECLINED, PaymentStatus.VOIDED}:
        failed = PaymentFailed(
            **_facts(payment, payment.amount), decline_code=payment.decline_code, retryable=payment.retryable
        )
        await record(session, failed, subject=payment.order_id)


async def tell_refunded(session: AsyncSession, payment: Payment, refund: Refund) -> None:
    """Tell that an amount went back."""
    refunded = PaymentRefunded(**_facts(payment, refund.amount), refund_id=refund.id, reason=refund.reason)
    await record(session, refunded, subject=payment.order_id)


async def tell_disputed(session: AsyncSession, payment: Payment, chargeback: Chargeback) -> None:
    """Tell that a buyer has had the bank take money back, or how that ended."""
    disputed = PaymentDisputed(
        **_facts(payment, chargeback.amount),
        chargeback_id=chargeback.id,
        status=chargeback.status,
        reason=chargeback.reason,
    )
    await record(session, disputed, subject=payment.order_id)


def _facts(payment: Payment, amount: Money) -> dict[str, Any]:
    return {
        "payment_id": payment.id,
        "order_id": payment.order_id,
        "amount_minor": amount.minor,
        "currency": amount.currency,
    }
