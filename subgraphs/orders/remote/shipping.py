"""Shipping, as orders asks it."""

from __future__ import annotations

from typing import Final

from kernel.calls import CallRefusedError, SubgraphCalls
from kernel.money import Money
from subgraphs.orders.domain.checkout import ShippingChoice
from subgraphs.orders.domain.errors import OrderNotCancellableError
from subgraphs.orders.domain.ports import ReturnLabel
from subgraphs.orders.remote.answers import money, money_input, refuse

_QUOTES: Final = """
query ($country: String!, $subtotal: MoneyInput!, $weight: Int!) {
  shippingQuotes(country: $country, subtotal: $subtotal, weightGrams: $weight) {
    method { id name } price { amount currency }
  }
}
"""
_HALT: Final = """
mutation ($order: ID!) { shipmentsHalt(orderId: $order) { errors { code message } } }
"""
_HOLD: Final = """
mutation ($order: ID!) { shipmentsHold(orderId: $order) { errors { code message } } }
"""
_RESUME: Final = """
mutation ($order: ID!) { shipmentsResume(orderId: $order) { errors { code message } } }
"""
_LABEL: Final = """
mutation ($order: ID!, $return: ID!, $weight: Int!, $key: String!) {
  returnLabelCreate(orderId: $order, returnId: $return, weightGrams: $weight, idempotencyKey: $key) {
    label { trackingNumber url } errors { code message path }
  }
}
"""


class RemoteShipping:
    """The parcels behind the shipping subgraph."""

    def __init__(self, calls: SubgraphCalls) -> None:
        self._calls = calls

    async def choices(self, country: str, subtotal: Money, weight_grams: int) -> tuple[ShippingChoice, ...]:
        """Price every method for a parcel, the cheapest first."""
        variables = {"country": country, "subtotal": money_input(subtotal), "weight": weight_grams}
        data = await self._calls.execute("shipping", _QUOTES, variables)
        return tuple(
            ShippingChoice(method_id=quote["method"]["id"], name=quote["method"]["name"], price=money(quote["price"]))
            for quote in data["shippingQuotes"]
        )

    async def halt(self, order_id: str) -> None:
        """Stop whatever of an order has not left."""
        data = await self._calls.execute("shipping", _HALT, {"order": order_id})
        for error in data["shipmentsHalt"]["errors"]:
            raise OrderNotCancellableError(error["message"])

    async def hold(self, order_id: str) -> None:
        """Let nothing of an order leave while it is changed."""
        refuse((await self._calls.execute("shipping", _HOLD, {"order": order_id}))["shipmentsHold"]["errors"])

    async def resume(self, order_id: str) -> None:
        """Let an order go as it is."""
        refuse((await self._calls.execute("shipping", _RESUME, {"order": order_id}))["shipmentsResume"]["errors"])

    async def return_label(self, order_id: str, return_id: str, weight_grams: int, key: str) -> ReturnLabel | None:
        """Make the label of a parcel that comes back."""
        variables = {"order": order_id, "return": return_id, "weight": weight_grams, "key": key}
        try:
            made = (await self._calls.execute("shipping", _LABEL, variables))["returnLabelCreate"]
        except CallRefusedError:  # it makes no labels; the buyer finds a carrier
            return None
        refuse(made["errors"])
        label = made["label"]
        return None if label is None else ReturnLabel(label["trackingNumber"], label["url"])
