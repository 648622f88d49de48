"""Vouchers, as orders asks products for them."""

from __future__ import annotations

from typing import Any, Final

from kernel.calls import SubgraphCalls
from subgraphs.orders.domain.checkout import Voucher
from subgraphs.orders.domain.ports import VoucherPurchase
from subgraphs.orders.remote.answers import money, money_input, refuse

_EVALUATE: Final = """
query ($code: String!, $purchase: VoucherPurchaseInput!) {
  voucherEvaluate(code: $code, purchase: $purchase) {
    code name discount { amount currency } errors { code message path }
  }
}
"""
_REDEEM: Final = """
mutation ($code: String!, $order: ID!, $purchase: VoucherPurchaseInput!) {
  voucherRedeem(code: $code, orderId: $order, purchase: $purchase) { errors { code message path } }
}
"""
_RELEASE: Final = """
mutation ($order: ID!) { voucherRelease(orderId: $order) { errors { code message path } } }
"""


class RemoteVouchers:
    """The vouchers behind the products subgraph."""

    def __init__(self, calls: SubgraphCalls) -> None:
        self._calls = calls

    async def evaluate(self, code: str, purchase: VoucherPurchase) -> Voucher:
        """Say what a code takes off a purchase."""
        data = await self._calls.execute("products", _EVALUATE, {"code": code, "purchase": _input(purchase)})
        found = data["voucherEvaluate"]
        refuse(found["errors"])
        return Voucher(code=found["code"], name=found["name"], discount=money(found["discount"]))

    async def redeem(self, code: str, order_id: str, purchase: VoucherPurchase) -> None:
        """Count a use for an order."""
        variables = {"code": code, "order": order_id, "purchase": _input(purchase)}
        refuse((await self._calls.execute("products", _REDEEM, variables))["voucherRedeem"]["errors"])

    async def release(self, order_id: str) -> None:
        """Uncount the use of an order."""
        refuse((await self._calls.execute("products", _RELEASE, {"order": order_id}))["voucherRelease"]["errors"])


def _input(purchase: VoucherPurchase) -> dict[str, Any]:
    return {"goods": money_input(purchase.goods), "customerId": purchase.customer_id, "email": purchase.email}
