"""Somebody watches a variant in a running store while stock arrives."""

from __future__ import annotations

import json
import time
from uuid import uuid4

from websockets.sync.client import connect

from tests.prove.checkout import graphql, log_in

WATCH = """subscription ($sku: String!) {
    availabilityChanged(sku: $sku) { sku name availability { quantityAvailable } } }"""
RECEIVE = """mutation ($input: StockReceiveInput!, $key: String!) {
    stockReceive(input: $input, idempotencyKey: $key) { errors { message } } }"""
PATIENCE = 60.0


def walk(url: str) -> None:
    """Watch, and let goods arrive until the watcher hears of it: when the subscription has begun nobody says."""
    staff = log_in(url, "staff")
    level = graphql(url, "{ stockLevels(first: 1) { nodes { sku warehouse { id } } } }", token=staff)
    node = level["data"]["stockLevels"]["nodes"][0]
    goods = {"sku": node["sku"], "warehouseId": node["warehouse"]["id"], "quantity": 1}
    with connect(url.replace("http", "ws"), subprotocols=["graphql-transport-ws"]) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv(PATIENCE)) == {"type": "connection_ack"}
        payload = {"query": WATCH, "variables": {"sku": node["sku"]}}
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        heard = None
        begun = time.monotonic()
        while heard is None and time.monotonic() - begun < PATIENCE:
            received = graphql(url, RECEIVE, {"input": goods, "key": str(uuid4())}, token=staff)
            assert received["data"]["stockReceive"]["errors"] == []
            try:
                heard = json.loads(socket.recv(1))
            except TimeoutError:
                continue
    assert heard is not None
    assert (heard["id"], heard["type"]) == ("1", "next")
    changed = heard["payload"]["data"]["availabilityChanged"]
    assert changed["sku"] == node["sku"]
    assert changed["name"]
    assert changed["availability"]["quantityAvailable"] >= 0
