"""Payments, as orders asks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kernel.calls import SubgraphCalls
from kernel.money import Money
from subgraphs.orders.domain.ports import PaymentOutcome, PaymentState
from subgraphs.orders.remote.answers import money_input, refuse

_DEADLINE: Final = 15.0
"""Seconds; longer than payments waits for its provider, so that an answer is rarely lost on the way here."""

_PROCESS: Final = """
mutation ($input: PaymentProcessInput!, $key: String!) {
  paymentProcess(input: $input, idempotencyKey: $key) {
    payment { id status declineCode retryable }
    errors { code message path }
  }
}
"""
_FIND: Final = """
query ($key: String!) { paymentByKey(idempotencyKey: $key) { id status declineCode retryable } }
"""
_REFUND: Final = """
mutation ($payment: ID!, $reason: String!, $key: String!) {
  paymentRefund(paymentId: $payment, reason: $reason, idempotencyKey: $key) { errors { code message path } }
}
"""
_OF_ORDER: Final = """
query ($order: [_Any!]!) { _entities(representations: $order) { ... on Order { payments { id status } } } }
"""
_REFUNDABLE: Final = frozenset({"CAPTURED", "PARTIALLY_REFUNDED"})


class RemotePayments:
    """The money behind the payments subgraph."""

    def __init__(self, calls: SubgraphCalls) -> None:
        self._calls = calls

    async def process(
        self, *, order_id: str, amount: Money, token: str, customer_id: str | None, key: str
    ) -> PaymentOutcome:
        """Take an amount, once for each key."""
        charge = {"orderId": order_id, "amount": money_input(amount), "token": token, "customerId": customer_id}
        variables = {"input": charge, "key": key}
        data = await self._calls.execute("payments", _PROCESS, variables, deadline=_DEADLINE)
        refuse(data["paymentProcess"]["errors"])
        return _outcome(data["paymentProcess"]["payment"])

    async def find(self, key: str) -> PaymentOutcome | None:
        """Tell what became of a payment."""
        data = await self._calls.execute("payments", _FIND, {"key": key}, deadline=_DEADLINE)
        found = data["paymentByKey"]
        return None if found is None else _outcome(found)

    async def refund(self, payment_id: str, reason: str, key: str) -> None:
        """Give all that is left of a payment back."""
        variables = {"payment": payment_id, "reason": reason, "key": key}
        data = await self._calls.execute("payments", _REFUND, variables, deadline=_DEADLINE)
        refuse(data["paymentRefund"]["errors"])

    async def refund_order(self, order_id: str, reason: str, key: str) -> None:
        """Give back all that was taken for an order."""
        order = {"order": [{"__typename": "Order", "id": order_id}]}
        data = await self._calls.execute("payments", _OF_ORDER, order, deadline=_DEADLINE)
        for payment in data["_entities"][0]["payments"]:
            if payment["status"] in _REFUNDABLE:
                await self.refund(payment["id"], reason, f"{key}:{payment['id']}")


_OPEN: Final = frozenset({"PENDING", "REQUIRES_ACTION", "AUTHORIZED"})


def _outcome(payment: Mapping[str, Any]) -> PaymentOutcome:
    # What has a decline code was not paid, even where money came later: payments gives that back by itself.
    paid = PaymentState.DECLINED if payment["declineCode"] else PaymentState.CAPTURED
    return PaymentOutcome(
        id=payment["id"],
        state=PaymentState.PENDING if payment["status"] in _OPEN else paid,
        decline_code=payment["declineCode"] or "",
        retryable=payment["retryable"],
    )
