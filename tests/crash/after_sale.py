"""What happens to an order after it was bought, each as something that can be asked for again until it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kernel.identity import Caller
from tests.sale import CANCEL

if TYPE_CHECKING:
    from tests.crash.store import Store

STAFF: Final = Caller(
    id="usr_staff", kind="admin", roles=frozenset({"admin"}), scopes=frozenset({"payments:refund", "shipments:write"})
)
_ORDER: Final = "query ($id: ID!) { order(id: $id) { status lines { id sku } returns { id status } } }"
_SHIPMENTS: Final = "query ($id: ID!) { shipments(where: { orderId: $id }) { nodes { id status } } }"
_SHIP: Final = "mutation ($id: ID!) { shipmentShip(id: $id) { errors { code } } }"
_EDIT: Final = """mutation ($id: ID!, $input: OrderEditConfirmInput!) {
  orderEditConfirm(orderId: $id, input: $input, idempotencyKey: "edit") { order { id } applied errors { code } } }"""
_REFUND: Final = """mutation ($id: ID!) { orderRefund(id: $id, amount: { amount: "5.00", currency: "EUR" },
  reason: "a scratch", idempotencyKey: "refund") { order { id } errors { code } } }"""
_REQUEST: Final = """mutation ($id: ID!, $line: ID!) {
  orderReturnRequest(orderId: $id, input: { lines: [{ lineId: $line, quantity: 1 }], reason: "small" }) {
    orderReturn { id } errors { code } } }"""
_APPROVE: Final = "mutation ($id: ID!) { orderReturnApprove(id: $id) { errors { code } } }"
_RECEIVE: Final = """mutation ($id: ID!, $line: ID!) {
  orderReturnReceive(id: $id, lines: [{ lineId: $line, state: SELLABLE }]) {
    orderReturn { status } errors { code } } }"""
_EXCHANGE: Final = """mutation ($id: ID!, $line: ID!) {
  orderExchangeConfirm(orderId: $id, idempotencyKey: "exchange", input: {
    exchange: {
      returnLines: [{ lineId: $line, quantity: 1 }], lines: [{ sku: "SKU-B", quantity: 6 }], reason: "small" },
    expectedDifference: { amount: "10.01", currency: "EUR" }, paymentToken: "tok_approve" }) {
    replacement { status } errors { code } } }"""
_AGAIN: Final = frozenset({"INTERNAL", "SERVICE_UNAVAILABLE"})

Sale = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """What is made ready undisturbed, and what is then done."""

    act: Callable[[Store, Sale], Awaitable[dict[str, Any]]]
    prepare: Callable[[Store, Sale], Awaitable[Sale]]


async def _as_it_is(_store: Store, sale: Sale) -> Sale:
    return sale


async def _sent(store: Store, sale: Sale) -> Sale:
    """Let the parcels leave, and name the line of which a piece comes back."""
    while (order := await store.run(_ORDER, id=sale["order"]))["status"] != "SHIPPED":
        found = await store.run(_SHIPMENTS, subgraph="shipping", caller=STAFF, id=sale["order"])
        for parcel in found["nodes"]:
            if parcel["status"] in {"PENDING", "LABELLED"}:
                await store.run(_SHIP, subgraph="shipping", caller=STAFF, id=parcel["id"])
        await asyncio.sleep(0.1)
    return {**sale, "line": next(line["id"] for line in order["lines"] if line["sku"] == "SKU-A")}


async def _expected(store: Store, sale: Sale) -> Sale:
    """Let the parcels leave, and agree to a return."""
    sale = await _sent(store, sale)
    asked = await store.run(_REQUEST, id=sale["order"], line=sale["line"])
    returned = asked["orderReturn"]["id"]
    await store.run(_APPROVE, caller=STAFF, id=returned)
    return {**sale, "return": returned}


async def _until_told(ask: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Ask under the same key until an answer says how it ended."""
    while True:
        answer = await ask()
        if not {error["code"] for error in answer["errors"]} & _AGAIN:
            return answer
        await asyncio.sleep(0.1)


def _editing(lines: dict[str, int], difference: str, token: str) -> Story:
    settled = {"expectedDifference": {"amount": difference, "currency": "EUR"}, "paymentToken": token}
    edit = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()], **settled}

    async def act(store: Store, sale: Sale) -> dict[str, Any]:
        return await _until_told(lambda: store.run(_EDIT, id=sale["order"], input=edit))

    return Story(act, _as_it_is)


async def _cancel(store: Store, sale: Sale) -> dict[str, Any]:
    return await store.run(CANCEL, id=sale["order"])


async def _refund(store: Store, sale: Sale) -> dict[str, Any]:
    return await _until_told(lambda: store.run(_REFUND, caller=STAFF, id=sale["order"]))


async def _receive(store: Store, sale: Sale) -> dict[str, Any]:
    return await _until_told(lambda: store.run(_RECEIVE, caller=STAFF, id=sale["return"], line=sale["line"]))


async def _exchange(store: Store, sale: Sale) -> dict[str, Any]:
    return await _until_told(lambda: store.run(_EXCHANGE, caller=STAFF, id=sale["order"], line=sale["line"]))


AFTER_SALE: Final = {
    "cancel": Story(_cancel, _as_it_is),
    "edit": _editing({"SKU-A": 3, "SKU-B": 0}, "14.99", "tok_approve"),
    "edit-declined": _editing({"SKU-A": 3}, "19.99", "tok_decline_stolen_card"),
    "edit-smaller": _editing({"SKU-A": 1}, "-19.99", ""),
    "refund": Story(_refund, _as_it_is),
    "return": Story(_receive, _expected),
    "exchange": Story(_exchange, _sent),
}
"""What is done after the sale, by the name of its scenario."""
