"""A thousand checkouts at once with a provider that fails for every twentieth, and what the books say afterwards."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table

import subgraphs
from kernel.clock import SystemClock
from kernel.identity import Caller
from kernel.jobs import JobRunner
from subgraphs.inventory.service.auditing import verify
from tests.prove.claims import Prover
from tests.prove.orders_races import Shops
from tests.sale import APPS, COMPLETE, load_stock
from tests.shop import Shop, open_shop

CHECKOUTS, QUICK_CHECKOUTS = 1000, 120
FAULTS: Final = ("tok_timeout", "tok_timeout_uncharged", "tok_decline_processing_error")
_SHARE_OF_FAULTS: Final = 0.05
_PREPARED_AT_ONCE: Final = 8
_PATIENCE: Final = 240.0
_SETTINGS: Final = {
    "STOREGRAPH_PAYMENTS_SETTLE_AFTER": "1",
    "STOREGRAPH_PAYMENTS_SETTLE_EVERY": "0.5",
    "STOREGRAPH_ORDERS_SAGA_EVERY": "0.2",
    "STOREGRAPH_ORDERS_SAGA_RETRY_LONGEST": "2",
    "STOREGRAPH_SHIPPING_SANDBOX_TRANSIT_AFTER": "3600",
}
_LIVE: Final = """
    SELECT (SELECT count(*) FROM orders.sagas WHERE status IN ('RUNNING', 'WAITING', 'COMPENSATING'))
         + (SELECT count(*) FROM payments.payments WHERE status = 'PENDING')
"""
ANOMALIES: Final = {
    "orders that did not come to an end": "SELECT id FROM orders.orders WHERE status = 'PAYMENT'",
    "orders that were charged more than once": """
        SELECT order_id FROM payments.payments WHERE status = 'CAPTURED' GROUP BY 1 HAVING count(*) > 1""",
    "orders that were confirmed without their money": """
        SELECT o.id FROM orders.orders AS o WHERE o.status = 'CONFIRMED' AND o.total_minor <> (
            SELECT coalesce(sum(amount_minor - refunded_minor), 0) FROM payments.payments AS p
            WHERE p.order_id = o.id AND p.status NOT IN ('PENDING', 'DECLINED'))""",
    "orders that were cancelled with their money": """
        SELECT o.id FROM orders.orders AS o JOIN payments.payments AS p ON p.order_id = o.id
        WHERE o.status = 'CANCELLED' AND p.status NOT IN ('PENDING', 'DECLINED', 'REFUNDED')""",
    "charges that no order knows": """
        SELECT key FROM payments.sandbox_charges AS c WHERE charged AND NOT EXISTS (
            SELECT FROM payments.payments AS p WHERE p.provider_reference = c.reference)""",
    "carts with two orders": """
        SELECT cart_id FROM orders.orders WHERE status NOT IN ('CANCELLED', 'REFUNDED')
        GROUP BY 1 HAVING count(*) > 1""",
    "SKUs of which more or less was sold than is promised": """
        SELECT s.sku FROM (SELECT sku, sum(allocated)::int AS promised FROM inventory.stock_levels GROUP BY sku) AS s
        WHERE s.promised <> (
            SELECT coalesce(sum(l.quantity), 0) FROM orders.order_lines AS l JOIN orders.orders AS o
            ON o.id = l.order_id WHERE l.sku = s.sku AND o.status = 'CONFIRMED')""",
    "checkouts that have ended and still hold stock": """
        SELECT c.id FROM inventory.reservation_lines AS r JOIN orders.checkouts AS c ON c.id = r.checkout_id
        WHERE r.state = 'held' AND c.status <> 'OPEN'""",
    "transactions of the ledger that do not balance": """
        SELECT transaction_id FROM payments.ledger_entries GROUP BY 1
        HAVING sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END) <> 0""",
    "dead letters": "SELECT event_id FROM orders.inbox WHERE state = 'dead'",
}
"""What must never be, each as a query that finds it."""


@dataclass(slots=True)
class Seen:
    """Seconds until the buyer had an answer, what the answers were, and how often a buyer had to ask again."""

    seconds: list[float]
    answers: Counter[str]
    repeats: int = 0


async def prove_stress(prover: Prover, shops: Shops) -> None:
    """Prepare the checkouts, complete them all at once, wait until nothing moves, and look."""
    many = QUICK_CHECKOUTS if prover.quick else CHECKOUTS
    with _settings():
        root = Path(subgraphs.__file__).parent
        url = await shops.postgres.database({name: root / name / "migrations" for name in APPS})
        clock = SystemClock()
        await load_stock(url, clock.now(), pieces=3 * many)
        async with open_shop(url, clock) as shop:
            await _storm(prover, shop, many)


async def _storm(prover: Prover, shop: Shop, many: int) -> None:
    chance = random.Random(10)
    await shop.delivery.start()
    began = time.monotonic()
    ready = await _prepare(shop, many)
    prepared = time.monotonic() - began
    jobs = JobRunner([job for subgraph in shop.subgraphs.values() for job in subgraph.jobs])
    await jobs.start()
    seen = Seen([], Counter())
    began = time.monotonic()
    await asyncio.gather(*(_buy(shop, each, _token(chance), seen) for each in ready))
    took = time.monotonic() - began
    await _rest(shop)
    await jobs.stop()
    await shop.delivery.stop()
    prover.console.print(_table(many, prepared, took, seen))
    for what, statement in ANOMALIES.items():
        prover.equal(f"{many} checkouts at once, 5 % faults: {what}", len(await shop.query(statement)), 0)
    books = len(await verify(shop.subgraphs["inventory"].database))
    prover.equal(f"{many} checkouts at once, 5 % faults: discrepancies of stock and its ledger", books, 0)
    prover.equal("buyers who got an answer", sum(seen.answers.values()), many)


@dataclass(frozen=True, slots=True)
class _Ready:
    checkout: str
    total: dict[str, str]
    buyer: Caller


async def _prepare(shop: Shop, many: int) -> Sequence[_Ready]:
    """Lead buyers to the button, a few at a time."""
    places = asyncio.Semaphore(_PREPARED_AT_ONCE)

    async def prepare(number: int) -> _Ready:
        buyer = Caller(id=f"usr_{number}", kind="customer", email=f"b{number}@example.com")
        while True:
            async with places:
                try:
                    checkout, total = await shop.checkout([("SKU-A", 1 + number % 2), ("SKU-B", 1)], buyer)
                except AssertionError:
                    continue  # a part of the shop was too slow for its deadline: a buyer begins again
                return _Ready(checkout, total, buyer)

    return await asyncio.gather(*map(prepare, range(many)))


async def _buy(shop: Shop, ready: _Ready, token: str, seen: Seen) -> None:
    """Press the button, again under the same key as long as no answer says how it ended."""
    began = time.monotonic()
    while True:
        variables = {"id": ready.checkout, "total": ready.total, "token": token, "key": "click"}
        result = await shop.subgraphs["orders"].executor.execute(COMPLETE, variables, caller=ready.buyer)
        answer = _answer(result.data["checkoutComplete"]) if result.data and not result.errors else "INTERNAL"
        if answer not in {"INTERNAL", "SERVICE_UNAVAILABLE"} or time.monotonic() - began > _PATIENCE:
            break
        seen.repeats += 1
        await asyncio.sleep(0.2)
    seen.seconds.append(time.monotonic() - began)
    seen.answers[answer] += 1


def _answer(payload: dict[str, Any]) -> str:
    return payload["order"]["status"] if payload["order"] else payload["errors"][0]["code"]


def _token(chance: random.Random) -> str:
    return chance.choice(FAULTS) if chance.random() < _SHARE_OF_FAULTS else "tok_approve"


async def _rest(shop: Shop) -> None:
    async with asyncio.timeout(_PATIENCE):
        while (await shop.query(_LIVE))[0][0]:  # noqa: ASYNC110 # the facts are rows in a database
            await asyncio.sleep(0.1)
        while await shop.delivery.drain():
            pass


def _table(many: int, prepared: float, took: float, seen: Seen) -> Table:
    ordered = sorted(seen.seconds)
    table = Table("", "seen", title=f"{many} completions at once, five subgraphs and PostgreSQL in 2 processes")
    table.add_row("carts filled and checkouts made ready, a second", f"{many / prepared:.1f}")
    table.add_row("completions a second", f"{many / took:.1f}")
    table.add_row("answer after, p50", f"{ordered[len(ordered) // 2]:.2f} s")
    table.add_row("answer after, p99", f"{ordered[int(len(ordered) * 0.99)]:.2f} s")
    table.add_row("asked again under the same key", str(seen.repeats))
    table.add_row("answers", ", ".join(f"{what}: {count}" for what, count in seen.answers.most_common()))
    return table


@contextmanager
def _settings() -> Iterator[None]:
    """Let what waits for seconds in a shop wait for tenths of one."""
    before = {name: os.environ.get(name) for name in _SETTINGS}
    os.environ.update(_SETTINGS)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
