"""Inventory, as orders asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from kernel.calls import SubgraphCalls
from kernel.events.catalogue import StockLine
from subgraphs.orders.domain.checkout import Reservation
from subgraphs.orders.domain.errors import InsufficientStockError, Shortage
from subgraphs.orders.domain.ports import Destination
from subgraphs.orders.remote.answers import refuse

_RESERVE: Final = """
mutation ($input: StockReserveInput!, $key: String!) {
  stockReserve(input: $input, idempotencyKey: $key) {
    reservation { id expiresAt }
    errors { code message path ... on InsufficientStockError { sku requested available } }
  }
}
"""
_AVAILABLE: Final = """
query ($variants: [_Any!]!) {
  _entities(representations: $variants) { ... on ProductVariant { sku availability { quantityAvailable } } }
}
"""
_RELEASE: Final = """
mutation ($id: ID!, $reason: String!, $key: String!) {
  reservationRelease(id: $id, reason: $reason, idempotencyKey: $key) { errors { code message path } }
}
"""
_ALLOCATE: Final = """
mutation ($reservation: ID!, $order: ID!, $key: String!, $destination: StockDestinationInput) {
  stockAllocate(reservationId: $reservation, orderId: $order, idempotencyKey: $key, destination: $destination) {
    allocations { sku warehouseId quantity }
    errors { code message path }
  }
}
"""
_RELEASE_ALLOCATION: Final = """
mutation ($order: ID!, $reason: String!, $key: String!) {
  allocationRelease(orderId: $order, reason: $reason, idempotencyKey: $key) { errors { code message path } }
}
"""
_CHANGE: Final = """
mutation ($order: ID!, $lines: [StockLineInput!]!, $key: String!, $destination: StockDestinationInput) {
  allocationChange(orderId: $order, lines: $lines, idempotencyKey: $key, destination: $destination) {
    allocations { sku warehouseId quantity shipped released }
    errors { code message path ... on InsufficientStockError { sku requested available } }
  }
}
"""
_TAKE_BACK: Final = """
mutation ($input: StockReturnInput!, $key: String!) {
  stockReturn(input: $input, idempotencyKey: $key) { errors { code message path } }
}
"""


class RemoteStock:
    """The stock behind the inventory subgraph."""

    def __init__(self, calls: SubgraphCalls) -> None:
        self._calls = calls

    async def available(self, skus: Sequence[str]) -> Mapping[str, int]:
        """Tell how many pieces of these can be promised now."""
        variants = [{"__typename": "ProductVariant", "sku": sku} for sku in skus]
        found = (await self._calls.execute("inventory", _AVAILABLE, {"variants": variants}))["_entities"]
        return {one["sku"]: one["availability"]["quantityAvailable"] for one in found if one and one["availability"]}

    async def reserve(self, checkout_id: str, quantities: Mapping[str, int], ttl_seconds: int, key: str) -> Reservation:
        """Hold stock for a while."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]
        wish = {"checkoutId": checkout_id, "lines": lines, "ttlSeconds": ttl_seconds}
        data = await self._calls.execute("inventory", _RESERVE, {"input": wish, "key": key})
        payload = data["stockReserve"]
        _refuse_shortages(payload["errors"])
        refuse(payload["errors"])
        held = payload["reservation"]
        return Reservation(id=held["id"], expires_at=datetime.fromisoformat(held["expiresAt"]))

    async def release(self, reservation_id: str, reason: str, key: str) -> None:
        """Let go of what is held; what is not known there is not held."""
        variables = {"id": reservation_id, "reason": reason, "key": key}
        data = await self._calls.execute("inventory", _RELEASE, variables)
        refuse([error for error in data["reservationRelease"]["errors"] if error["code"] != "NOT_FOUND"])

    async def allocate(
        self, reservation_id: str, order_id: str, key: str, destination: Destination | None = None
    ) -> tuple[StockLine, ...]:
        """Give what is held to an order, from where its address is best served."""
        variables: dict[str, Any] = {"reservation": reservation_id, "order": order_id, "key": key}
        if destination is not None:
            country, postal_code = destination
            variables["destination"] = {"country": country, "postalCode": postal_code}
        payload = (await self._calls.execute("inventory", _ALLOCATE, variables))["stockAllocate"]
        refuse(payload["errors"])
        return tuple(
            StockLine(sku=one["sku"], quantity=one["quantity"], warehouse_id=one["warehouseId"])
            for one in payload["allocations"]
        )

    async def release_allocation(self, order_id: str, reason: str, key: str) -> None:
        """Take back what an order has and did not ship."""
        variables = {"order": order_id, "reason": reason, "key": key}
        data = await self._calls.execute("inventory", _RELEASE_ALLOCATION, variables)
        refuse(data["allocationRelease"]["errors"])

    async def change_allocation(
        self, order_id: str, quantities: Mapping[str, int], key: str, destination: Destination | None = None
    ) -> tuple[StockLine, ...]:
        """Let an order have just this."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]
        variables: dict[str, Any] = {"order": order_id, "lines": lines, "key": key}
        if destination is not None:
            variables["destination"] = {"country": destination[0], "postalCode": destination[1]}
        payload = (await self._calls.execute("inventory", _CHANGE, variables))["allocationChange"]
        _refuse_shortages(payload["errors"])
        refuse(payload["errors"])
        open_now = ((one, one["quantity"] - one["shipped"] - one["released"]) for one in payload["allocations"])
        return tuple(
            StockLine(sku=one["sku"], quantity=quantity, warehouse_id=one["warehouseId"])
            for one, quantity in open_now
            if quantity
        )

    async def take_back(self, order_id: str, sku: str, quantity: int, *, sellable: bool, key: str) -> None:
        """Take goods back that a buyer has sent."""
        goods = {"orderId": order_id, "sku": sku, "quantity": quantity, "sellable": sellable, "reason": "return"}
        data = await self._calls.execute("inventory", _TAKE_BACK, {"input": goods, "key": key})
        refuse(data["stockReturn"]["errors"])


def _refuse_shortages(errors: Sequence[Mapping[str, Any]]) -> None:
    short = tuple(Shortage(error["sku"], error["requested"], error["available"]) for error in errors if "sku" in error)
    if short:
        raise InsufficientStockError(short)
