"""A stand-in for Stripe's API on 127.0.0.1: the few resources that the adapter uses, in the shapes that are documented.

It is written from Stripe's public API reference and recorded from nothing: it shows that the official library is used
as it is meant to be, not that Stripe behaves so.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


@dataclass
class Stripe:
    """Stripe's side of the books."""

    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    disputes: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    """What was answered under each idempotency key."""
    headers: list[dict[str, str]] = field(default_factory=list)
    broken: bool = False

    async def respond(self, request: Request) -> JSONResponse:
        """Answer a request; one with a known idempotency key gets the answer that it got before."""
        self.headers.append(dict(request.headers))
        if self.broken:
            return JSONResponse({"error": {"type": "api_error", "message": "down"}}, 500)
        key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
        params = dict(parse_qsl((await request.body()).decode())) | dict(request.query_params)
        if key not in self.answered or not key:
            self.answered[key] = self._act(request, params)
        status, body = self.answered[key]
        return JSONResponse(body, status)

    def _act(self, request: Request, params: dict[str, str]) -> tuple[int, dict[str, Any]]:
        intent_id, action = request.path_params.get("id"), request.path_params.get("action")
        match request.method, request.path_params["resource"]:
            case "GET", "payment_intents":
                key = re.fullmatch(r"metadata\['storegraph_key'\]:'(.*)'", params["query"]).group(1)
                found = [each for each in self.intents.values() if each["metadata"]["storegraph_key"] == key]
                return 200, {"object": "search_result", "data": found, "has_more": False}
            case "GET", resource:
                return 200, {"object": "list", "data": self._list(resource, params), "has_more": False}
            case "POST", "refunds":
                return self._refund(params)
            case "POST", _ if intent_id is None:
                return self._create(params)
            case _:
                return self._change(self.intents[intent_id], action, params)

    def _create(self, params: dict[str, str]) -> tuple[int, dict[str, Any]]:
        intent = {
            "id": f"pi_{secrets.token_hex(8)}",
            "object": "payment_intent",
            "amount": int(params["amount"]),
            "amount_received": 0,
            "currency": params["currency"],
            "created": int(time.time()),
            "metadata": {"storegraph_key": params["metadata[storegraph_key]"]},
            "status": "requires_payment_method",
            "last_payment_error": None,
            "next_action": None,
        }
        match params["payment_method"]:
            case "pm_card_visa":
                pass
            case "pm_card_authenticationRequired":
                intent["status"] = "requires_action"
                intent["next_action"] = {"redirect_to_url": {"url": "https://hooks.stripe.example/3ds"}}
            case "pm_card_chargeDeclinedInsufficientFunds":
                intent["last_payment_error"] = {"code": "card_declined", "decline_code": "insufficient_funds"}
                self.intents[intent["id"]] = intent
                return 402, {"error": {"type": "card_error", "message": "Declined.", **intent["last_payment_error"]}}
            case other:
                return 400, _invalid("resource_missing", f"No such PaymentMethod: '{other}'")
        if intent["status"] == "requires_payment_method":
            manual = params["capture_method"] == "manual"
            intent["status"] = "requires_capture" if manual else "succeeded"
            intent["amount_received"] = 0 if manual else intent["amount"]
        self.intents[intent["id"]] = intent
        return 200, intent

    def _change(self, intent: dict[str, Any], action: str, params: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if action == "capture" and intent["status"] == "requires_capture":
            intent |= {"status": "succeeded", "amount_received": int(params["amount_to_capture"])}
            return 200, dict(intent)
        if action == "cancel" and intent["status"] in {"requires_capture", "requires_action"}:
            intent["status"] = "canceled"
            return 200, dict(intent)
        return 400, _invalid("payment_intent_unexpected_state", f"This PaymentIntent is {intent['status']}.")

    def _refund(self, params: dict[str, str]) -> tuple[int, dict[str, Any]]:
        intent, amount = self.intents[params["payment_intent"]], int(params["amount"])
        before = sum(each["amount"] for each in self.refunds.values() if each["payment_intent"] == intent["id"])
        if before + amount > intent["amount_received"]:
            return 400, _invalid("charge_already_refunded", "More than is left.")
        refund = {
            "id": f"re_{secrets.token_hex(8)}",
            "object": "refund",
            "amount": amount,
            "currency": intent["currency"],
            "created": int(time.time()),
            "payment_intent": intent["id"],
            "metadata": {"storegraph_key": params["metadata[storegraph_key]"]},
            "status": "succeeded",
        }
        self.refunds[refund["id"]] = refund
        return 200, refund

    def _list(self, resource: str, params: dict[str, str]) -> list[dict[str, Any]]:
        if resource == "charges":
            things = [
                {
                    "id": f"ch_{intent['id']}",
                    "object": "charge",
                    "payment_intent": intent["id"],
                    "paid": True,
                    "amount_captured": intent["amount_received"],
                    "currency": intent["currency"],
                    "created": intent["created"],
                }
                for intent in self.intents.values()
                if intent["amount_received"]
            ]
        else:
            things = list((self.refunds if resource == "refunds" else self.disputes).values())
        return [each for each in things if int(params["created[gte]"]) <= each["created"] < int(params["created[lt]"])]


def _invalid(code: str, message: str) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "code": code, "message": message}}


@asynccontextmanager
async def stand_in():
    """Serve a Stripe; gives it and its address."""
    stripe = Stripe()
    routes = [
        Route("/v1/{resource}", stripe.respond, methods=["GET", "POST"]),
        Route("/v1/{resource}/search", stripe.respond, methods=["GET"]),
        Route("/v1/{resource}/{id}/{action}", stripe.respond, methods=["POST"]),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 # uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield stripe, f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
