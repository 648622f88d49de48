"""Races around one sale: whatever runs beside whatever, the final state is one of those that were named before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import subgraphs
from kernel.identity import Caller
from kernel.testing import FixedClock
from tests.prove.claims import Prover
from tests.sale import ADD, APPS, CANCEL, CHECKOUT, load_stock
from tests.servers import PostgresForTests
from tests.shop import Shop, open_shop

TOTAL: Final = 4988
_CHARGES: Final = "SELECT count(*) FROM payments.sandbox_charges WHERE charged"
_ALL_THERE: Final = [("SKU-A", 10, 0, 0), ("SKU-B", 10, 0, 0)]
_PROMISED: Final = [("SKU-A", 10, 0, 2), ("SKU-B", 10, 0, 1)]
_SENT: Final = [("SKU-A", 8, 0, 0), ("SKU-B", 9, 0, 0)]


ONE_MORE: Final = """mutation ($id: ID!) { orderEditConfirm(orderId: $id, idempotencyKey: "edit", input: {
  lines: [{ sku: "SKU-A", quantity: 3 }], expectedDifference: { amount: "19.99", currency: "EUR" },
  paymentToken: "tok_approve" }) { applied errors { code } } }"""


@dataclass(frozen=True, slots=True)
class Shops:
    """Makes fresh shops on one server."""

    postgres: PostgresForTests

    @asynccontextmanager
    async def shop(self, pieces: int = 10) -> AsyncIterator[Shop]:
        """Open a shop on a fresh database."""
        root = Path(subgraphs.__file__).parent
        url = await self.postgres.database({name: root / name / "migrations" for name in APPS})
        clock = FixedClock()
        await load_stock(url, clock.now(), pieces)
        async with open_shop(url, clock) as shop:
            yield shop


async def prove_races(prover: Prover, shops: Shops) -> None:
    """Run every race, each several times with other head starts."""
    rounds = 3 if prover.quick else 20
    for clicks in (2, 10, 50):
        for keys in ("the same key", "different keys"):
            await _race(prover, shops, f"double click: {clicks} completions, {keys}", 1, _double_click(clicks, keys))
    await _race(prover, shops, "what the provider tells later against completion", rounds, _late_news)
    await _race(prover, shops, "cancel against ship", rounds, _cancel_against_ship)
    await _race(prover, shops, "change against ship", rounds, _change_against_ship)
    await _race(prover, shops, "change against cancel", rounds, _change_against_cancel)
    await _race(prover, shops, "two tabs: one pays, the other adds", rounds, _two_tabs)
    await _race(prover, shops, "last unit: 12 buyers of 10 pieces", rounds, _last_unit)
    await _race(prover, shops, "price change between", rounds, _price_change)


Race = Callable[[Shop, random.Random], Awaitable[list[str]]]


async def _race(prover: Prover, shops: Shops, name: str, rounds: int, race: Race) -> None:
    wrong: list[str] = []
    for seed in range(rounds):
        async with shops.shop() as shop:
            wrong += [f"round {seed}: {each}" for each in await race(shop, random.Random(seed))]
    prover.equal(f"{name} ({rounds} x): final states that were not foreseen", wrong[:3], [])


async def _start_late(chance: random.Random, work: Awaitable[Any]) -> Any:
    """Let a few turns of the event loop go by first, so that each round meets at another point."""
    for _ in range(chance.randrange(60)):
        await asyncio.sleep(0)
    return await work


def _double_click(clicks: int, keys: str) -> Race:
    async def race(shop: Shop, _chance: random.Random) -> list[str]:
        checkout, total = await shop.checkout()
        named = ["one-key" if keys == "the same key" else f"key-{click}" for click in range(clicks)]
        answers = await asyncio.gather(*(shop.complete(checkout, total, key=key) for key in named))
        await shop.settle()
        told = {answer["order"]["id"] if answer["order"] else answer["errors"][0]["code"] for answer in answers}
        return [
            *_differs("orders that were told", len(told), 1),
            *_differs("charges", await shop.query(_CHARGES), [(1,)]),
            *_differs("books", await shop.books(), _books("CONFIRMED", TOTAL, _PROMISED)),
        ]

    return race


async def _late_news(shop: Shop, chance: random.Random) -> list[str]:
    """The provider's answer is lost; whoever asks again, hears of it or is told, all at once."""
    token = chance.choice(["tok_timeout", "tok_timeout_uncharged"])
    checkout, total = await shop.checkout()
    await shop.complete(checkout, total, token=token)
    shop.let_pass(20)
    await asyncio.gather(
        *(_start_late(chance, shop.complete(checkout, total, token=token)) for _ in range(3)),
        *(_start_late(chance, shop.delivery.drain()) for _ in range(3)),
        *(_start_late(chance, job.run()) for name in ("payments", "orders") for job in shop.subgraphs[name].jobs),
    )
    await shop.settle()
    return [
        *_differs("charges", await shop.query(_CHARGES), [(1,)]),
        *_differs("books", await shop.books(), _books("CONFIRMED", TOTAL, _PROMISED)),
    ]


async def _cancel_against_ship(shop: Shop, chance: random.Random) -> list[str]:
    order = await shop.buy()
    await shop.settle()
    shop.let_pass(2)
    cancelled, _ = await asyncio.gather(
        _start_late(chance, shop.mutate(CANCEL, id=order["id"])),
        _start_late(chance, shop.subgraphs["shipping"].jobs[0].run()),
    )
    await shop.settle(seconds=60)
    if cancelled["errors"]:
        return _differs("books", await shop.books(), _books("DELIVERED", TOTAL, _SENT))
    return _differs("books", await shop.books(), _books("REFUNDED", 0, _ALL_THERE))


async def _change_against_ship(shop: Shop, chance: random.Random) -> list[str]:
    order = await shop.buy()
    await shop.settle()
    shop.let_pass(2)
    changed, _ = await asyncio.gather(
        _start_late(chance, shop.mutate(ONE_MORE, id=order["id"])),
        _start_late(chance, shop.subgraphs["shipping"].jobs[0].run()),
    )
    await shop.settle(seconds=60)
    await shop.settle(seconds=60)
    if changed["errors"]:
        return _differs("books", await shop.books(), _books("DELIVERED", TOTAL, _SENT))
    sent = [("SKU-A", 7, 0, 0), ("SKU-B", 9, 0, 0)]
    return _differs("books", await shop.books(), _books("DELIVERED", TOTAL + 1999, sent))


async def _change_against_cancel(shop: Shop, chance: random.Random) -> list[str]:
    """Either it was changed first, and all of it is given back if it was cancelled then, or it was cancelled."""
    order = await shop.buy()
    await shop.settle()
    changed, cancelled = await asyncio.gather(
        _start_late(chance, shop.mutate(ONE_MORE, id=order["id"])),
        _start_late(chance, shop.mutate(CANCEL, id=order["id"])),
    )
    await shop.settle()
    if not cancelled["errors"]:
        return _differs("books", await shop.books(), _books("REFUNDED", 0, _ALL_THERE))
    more = [("SKU-A", 10, 0, 3), ("SKU-B", 10, 0, 1)]
    return [
        *_differs("the change", changed["errors"], []),
        *_differs("books", await shop.books(), _books("CONFIRMED", TOTAL + 1999, more)),
    ]


async def _two_tabs(shop: Shop, chance: random.Random) -> list[str]:
    cart = await shop.cart()
    created = await shop.mutate(CHECKOUT, cart=cart)
    checkout, total = await shop.make_ready(created["checkout"]["id"])
    paid, added = await asyncio.gather(
        _start_late(chance, shop.complete(checkout, total)),
        _start_late(chance, shop.mutate(ADD, id=cart, lines=[{"sku": "SKU-B", "quantity": 1}])),
    )
    await shop.settle()
    if paid["order"]:
        return [
            *_differs("the other tab", [error["code"] for error in added["errors"]], ["INVALID_STATE"]),
            *_differs("books", await shop.books(), _books("CONFIRMED", TOTAL, _PROMISED)),
        ]
    return [
        *_differs("completion", [error["code"] for error in paid["errors"]], ["STALE_VERSION"]),
        *_differs("the other tab", added["errors"], []),
        *_differs("charges", await shop.query(_CHARGES), [(0,)]),
    ]


async def _last_unit(shop: Shop, chance: random.Random) -> list[str]:
    async def buy(number: int) -> str:
        buyer = Caller(id=f"usr_{number}", kind="customer", email=f"b{number}@example.com")
        created = await shop.mutate(CHECKOUT, buyer, cart=await shop.cart([("SKU-A", 1)], buyer))
        if created["errors"]:
            return created["errors"][0]["code"]
        checkout, total = await shop.make_ready(created["checkout"]["id"], buyer)
        return (await shop.complete(checkout, total, caller=buyer))["order"]["status"]

    outcomes = await asyncio.gather(*(_start_late(chance, buy(number)) for number in range(12)))
    await shop.settle()
    stock = [("SKU-A", 10, 0, 10), ("SKU-B", 10, 0, 0)]
    return [
        *_differs("outcomes", sorted(outcomes), ["CONFIRMED"] * 10 + ["INSUFFICIENT_STOCK"] * 2),
        *_differs("books", await shop.books(), _books("CONFIRMED", 10 * (1999 + 490), stock, 10)),
    ]


async def _price_change(shop: Shop, chance: random.Random) -> list[str]:
    """Either the buyer paid what they saw, or they were told the new total and nothing was charged."""
    checkout, total = await shop.checkout()
    staff = Caller(id="usr_staff", kind="admin", roles=frozenset({"admin"}))
    dearer = """mutation { variantPriceSet(sku: "SKU-A", price: {amount: "20.99", currency: "EUR"}) {
        errors { code } } }"""
    paid, changed = await asyncio.gather(
        _start_late(chance, shop.complete(checkout, total)),
        _start_late(chance, shop.run("products", dearer, staff)),
    )
    wrong = _differs("the change", changed["variantPriceSet"]["errors"], [])
    if paid["order"]:
        await shop.settle()
        return [*wrong, *_differs("books", await shop.books(), _books("CONFIRMED", TOTAL, _PROMISED))]
    wrong += _differs("completion", [error["code"] for error in paid["errors"]], ["PRICE_CHANGED"])
    wrong += _differs("charges", await shop.query(_CHARGES), [(0,)])
    agreed = {"amount": paid["errors"][0]["actual"]["amount"], "currency": "EUR"}
    await shop.complete(checkout, agreed, key="agreed")
    await shop.settle()
    return [*wrong, *_differs("books", await shop.books(), _books("CONFIRMED", TOTAL + 200, _PROMISED))]


def _books(status: str, taken: int, stock: list[tuple[str, int, int, int]], orders: int = 1) -> dict[str, Any]:
    return {"orders": [(status, orders)], "taken": taken, "stock": stock, "ledger": 0}


def _differs(what: str, seen: object, wanted: object) -> list[str]:
    return [] if seen == wanted else [f"{what}: {seen}, not {wanted}"]
