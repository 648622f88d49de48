"""Hundreds of buyers who want the last units, through the router, while processes are killed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import orjson
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import RequestError

from tests.prove.services import Services

_ERRORS: Final = "errors { code message }"
_CART: Final = f"mutation {{ cartCreate(currency: EUR) {{ cart {{ id }} {_ERRORS} }} }}"
_ADD: Final = f"""mutation ($id: ID!, $lines: [CartLineInput!]!) {{
    cartLinesAdd(id: $id, lines: $lines) {{ cart {{ id }} {_ERRORS} }} }}"""
_CHECKOUT: Final = f"""mutation ($id: ID!) {{
    checkoutCreate(cartId: $id, email: "buyer@example.com") {{ checkout {{ id }} {_ERRORS} }} }}"""
_ADDRESS: Final = f"""mutation ($id: ID!, $address: ShippingAddressInput!) {{
    checkoutShippingAddressSet(id: $id, address: $address) {{
        checkout {{ availableShippingMethods {{ method {{ id }} }} }} {_ERRORS} }} }}"""
_METHOD: Final = f"""mutation ($id: ID!, $method: ID!) {{
    checkoutShippingMethodSet(id: $id, methodId: $method) {{
        checkout {{ total {{ gross {{ amount currency }} }} }} {_ERRORS} }} }}"""
_COMPLETE: Final = f"""mutation ($id: ID!, $input: CheckoutCompleteInput!, $key: String!) {{
    checkoutComplete(id: $id, input: $input, idempotencyKey: $key) {{ order {{ id status }} {_ERRORS} }} }}"""
_COUNT: Final = f"""mutation ($input: StockCountInput!, $key: String!) {{
    stockCount(input: $input, idempotencyKey: $key) {{ stockLevel {{ onHand }} {_ERRORS} }} }}"""
_BERLIN: Final = {
    "name": "A Buyer",
    "line1": "Invalidenstr. 117",
    "city": "Berlin",
    "postalCode": "10115",
    "country": "DE",
}
SOLD_OUT: Final = "INSUFFICIENT_STOCK"
_PATIENCE: Final = 40.0
_TRIES: Final = 12
_ARRIVAL: Final = 15.0
"""Seconds within which all buyers arrive: far less than a purchase takes among so many."""


class GivenUpError(Exception):
    """A buyer got no answer that can be used, or one that ends the purchase; says which."""


@dataclass(slots=True)
class Shoppers:
    """What buyers share: a way to the router, and what they saw."""

    url: str
    seen: Counter[str] = field(default_factory=Counter)
    client: Client = field(default_factory=lambda: ClientBuilder().no_proxy().error_for_status(enable=False).build())

    async def ask(self, document: str, variables: Mapping[str, Any], *, hasty: bool = False) -> dict[str, Any]:
        """Send a mutation until there is an answer; a hasty buyer does not wait for the first one.

        Raises:
            GivenUpError: it is refused, or nobody answers.
        """
        body = orjson.dumps({"query": document, "variables": variables})
        for attempt in range(_TRIES):
            patience = 0.05 if hasty and not attempt else _PATIENCE
            try:
                answer = await self._post(body, patience)
            except RequestError as error:
                self.seen[f"retried: {type(error).__name__}"] += 1
            else:
                data = answer.get("data")
                if data and not answer.get("errors"):
                    (payload,) = data.values()
                    if payload["errors"]:
                        raise GivenUpError(payload["errors"][0]["code"])
                    return dict(payload)
                for error in answer["errors"]:
                    self.seen[f"retried: {error.get('extensions', {}).get('code')} {error['message'][:60]}"] += 1
            await asyncio.sleep(random.uniform(0.5, 1.5) * (attempt + 1))
        raise GivenUpError("no answer")

    async def _post(self, body: bytes, patience: float, token: str | None = None) -> Any:
        request = self.client.post(self.url).header("content-type", "application/json")
        if token:
            request = request.bearer_auth(token)
        built = request.timeout(timedelta(seconds=patience)).body_bytes(body).build()
        return orjson.loads(bytes(await (await built.send()).bytes()))

    async def count(self, token: str, sku: str, warehouse_id: str, counted: int) -> None:
        """Say as staff how many there are."""
        wish = {"sku": sku, "warehouseId": warehouse_id, "counted": counted}
        variables = {"input": wish, "key": f"count {sku} {warehouse_id}"}
        answer = await self._post(orjson.dumps({"query": _COUNT, "variables": variables}), _PATIENCE, token)
        if answer.get("errors") or answer["data"]["stockCount"]["errors"]:
            raise GivenUpError(str(answer))

    async def buy(self, skus: Sequence[str], key: str, *, token: str = "tok_approve", hasty: bool = False) -> str:
        """Buy one of each; tell the order's status, or why there is none."""
        try:
            cart = (await self.ask(_CART, {}))["cart"]["id"]
            lines = [{"sku": sku, "quantity": 1} for sku in skus]
            await self.ask(_ADD, {"id": cart, "lines": lines})
            checkout = (await self.ask(_CHECKOUT, {"id": cart}, hasty=hasty))["checkout"]["id"]
            placed = await self.ask(_ADDRESS, {"id": checkout, "address": _BERLIN})
            method = placed["checkout"]["availableShippingMethods"][0]["method"]["id"]
            total = (await self.ask(_METHOD, {"id": checkout, "method": method}))["checkout"]["total"]["gross"]
            purchase = {"expectedTotal": total, "paymentToken": token}
            done = await self.ask(_COMPLETE, {"id": checkout, "input": purchase, "key": key}, hasty=hasty)
            outcome = str(done["order"]["status"])
        except GivenUpError as error:
            outcome = str(error)
        self.seen[outcome] += 1
        return outcome


async def storm(shop: Services, shoppers: Shoppers, skus: Sequence[str], buyers: int, seed: int) -> None:
    """Let buyers flock together within seconds, and kill processes in their midst."""
    chance = random.Random(seed)
    carts = [chance.sample(list(skus), chance.randint(1, len(skus))) for _ in range(buyers)]
    tokens = chance.choices(("tok_approve", "tok_decline_insufficient_funds", "tok_timeout"), (85, 10, 5), k=buyers)
    hasty = [chance.random() < 0.2 for _ in range(buyers)]
    arrivals = [chance.uniform(0, _ARRIVAL) for _ in range(buyers)]

    async def buyer(number: int) -> None:
        await asyncio.sleep(arrivals[number])
        key = f"buy {seed} {number}"
        await shoppers.buy(carts[number], key, token=tokens[number], hasty=hasty[number])

    purchases = [asyncio.create_task(buyer(number)) for number in range(buyers)]
    victims = ["inventory-1", "inventory-2", chance.choice(("orders", "payments", "worker"))]
    chance.shuffle(victims)
    killer = asyncio.create_task(_kill(shop, victims, chance, shoppers))
    await asyncio.gather(*purchases)
    await killer


async def _kill(shop: Services, victims: Sequence[str], chance: random.Random, shoppers: Shoppers) -> None:
    for name in victims:
        await asyncio.sleep(chance.uniform(0.5, 2.5))
        part = shop.parts[name]
        await asyncio.to_thread(part.kill)
        shoppers.seen[f"killed: {name}"] += 1
        await asyncio.to_thread(part.start)
        await asyncio.to_thread(part.wait_until_up)


async def buy_the_rest(shoppers: Shoppers, skus: Sequence[str], seed: int, patience: float) -> None:
    """Buy single units until each SKU is sold out for longer than a forgotten reservation lasts."""

    async def of(sku: str) -> None:
        count, refused_since = 0, None
        while refused_since is None or time.monotonic() - refused_since < patience:
            outcome = await shoppers.buy([sku], f"rest {seed} {sku} {count}")
            count += 1
            if outcome == SOLD_OUT:
                refused_since = refused_since or time.monotonic()
                await asyncio.sleep(1.0)
            else:
                refused_since = None

    await asyncio.gather(*map(of, skus))
