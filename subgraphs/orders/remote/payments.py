"""Payments, as orders asks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kernel.calls import SubgraphCalls
from kernel.errors import ConflictError
from kernel.money import Money
from subgraphs.orders.domain.ports import STORED_METHOD, PaymentOutcome, PaymentState
from subgraphs.orders.remote.answers import money, money_input, refuse

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
mutation ($payment: ID!, $amount: MoneyInput, $reason: String!, $key: String!) {
  paymentRefund(paymentId: $payment, amount: $amount, reason: $reason, idempotencyKey: $key) {
    errors { code message path }
  }
}
"""
_OF_ORDER: Final = """
query ($order: [_Any!]!) {
  _entities(representations: $order) {
    ... on Order { payments { id status refundable { amount currency } refunds { key amount { amount currency } } } }
  }
}
"""
_STORED: Final = """
query ($id: ID!, $customer: ID!) { paymentMethodToken(id: $id, userId: $customer) }
"""
_REFUNDABLE: Final = frozenset({"CAPTURED", "PARTIALLY_REFUNDED"})


class RemotePayments:
    """The money behind the payments subgraph."""

    def __init__(self, calls: SubgraphCalls) -> None:
        self._calls = calls

    async def process(
        self, *, order_id: str, amount: Money, token: str, customer_id: str | None, key: str
    ) -> PaymentOutcome:
        """Take an amount, once for each key; a token that names a stored payment method must be its owner's."""
        if token.startswith(STORED_METHOD):
            stored = await self._stored(token, customer_id)
            if stored is None:
                return PaymentOutcome(id="", state=PaymentState.DECLINED, decline_code="payment_method_unknown")
            token = stored
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

    async def refund(self, payment_id: str, reason: str, key: str, amount: Money | None = None) -> None:
        """Give an amount of a payment back, or all that is left of it."""
        part = None if amount is None else money_input(amount)
        variables = {"payment": payment_id, "amount": part, "reason": reason, "key": key}
        data = await self._calls.execute("payments", _REFUND, variables, deadline=_DEADLINE)
        refuse(data["paymentRefund"]["errors"])

    async def refund_order(self, order_id: str, reason: str, key: str) -> None:
        """Give back all that was taken for an order."""
        for payment in await self._of_order(order_id):
            if payment["status"] in _REFUNDABLE:
                await self.refund(payment["id"], reason, f"{key}:{payment['id']}")

    async def refund_amount(self, order_ids: Sequence[str], amount: Money, reason: str, key: str) -> None:
        """Give an amount back, from the first payment on; the part that went back under a key before stays as it was.

        So the same call made again asks for the same parts under the same keys.
        """
        left = amount
        for order_id in order_ids:
            for payment in await self._of_order(order_id):
                name = f"{key}:{payment['id']}"
                done = [money(one["amount"]) for one in payment["refunds"] if one["key"] == name]
                part = done[0] if done else min(money(payment["refundable"]), left)
                left -= part
                if part:
                    await self.refund(payment["id"], reason, name, part)
        if left:
            raise ConflictError("More was to be refunded than was paid.", code="REFUND_TOO_LARGE")

    async def _stored(self, method_id: str, customer_id: str | None) -> str | None:
        if customer_id is None:
            return None
        wanted = {"id": method_id, "customer": customer_id}
        data = await self._calls.execute("users", _STORED, wanted, deadline=_DEADLINE)
        return data["paymentMethodToken"]

    async def _of_order(self, order_id: str) -> Sequence[Mapping[str, Any]]:
        order = {"order": [{"__typename": "Order", "id": order_id}]}
        data = await self._calls.execute("payments", _OF_ORDER, order, deadline=_DEADLINE)
        return data["_entities"][0]["payments"]


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
