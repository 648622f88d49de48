"""Stock that can be proved: nothing oversold, the ledger is the stock, read models follow from it."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Sequence

import asyncpg

from kernel.database import plain_url
from runtime.ports import free_port
from tests.prove.checkout import HERE, log_in
from tests.prove.claims import Prover
from tests.prove.inventory_books import prove_books
from tests.prove.inventory_reading import prove_reading
from tests.prove.services import Balancer, Services, services
from tests.prove.storm import Shoppers, buy_the_rest, storm

BUYERS = 500
UNITS = 50
SKUS_OF_A_SEED = 5
SEEDS, QUICK_SEEDS = 20, 3
HOLD_SECONDS = 15
INVENTORY_TESTS = "tests/subgraphs/inventory"
RULES = ("domain", "test_model.py", "test_races.py", "test_interleavings.py", "test_desk.py", "test_auditing.py")
PARTS = ("products", "inventory", "orders", "users", "payments", "shipping")
SETTINGS = {
    "STOREGRAPH_ORDERS_RESERVATION_SECONDS": str(HOLD_SECONDS),
    "STOREGRAPH_ORDERS_SAGA_LEASE": "3",
    "STOREGRAPH_ORDERS_SAGA_RETRY_LONGEST": "2",
}


def prove(prover: Prover) -> None:
    """Run every part; `quick` takes fewer seeds and a shorter ledger."""
    with prover.part("no oversell: 500 buyers, 50 units, 3 warehouses, 2 inventory processes, kill -9 in the midst"):
        _prove_no_oversell(prover)
    prove_books(prover)
    with prover.part("state machine of all commands, races step by step"):
        _prove_tests(prover)
    prove_reading(prover)


def _prove_no_oversell(prover: Prover) -> None:
    port = free_port()
    with services(PARTS, SETTINGS, twice="inventory", shared_port=port) as shop:
        asyncio.run(_storms(prover, shop, port))
        verified = shop.run("inventory", "verify")
        prover.equal("storegraph inventory verify beside the running shop: exit code", verified.returncode, 0)
        rebuilt = shop.run("inventory", "rebuild", "--check")
        prover.check(
            "storegraph inventory rebuild --check",
            rebuilt.stdout.strip().splitlines()[-1],
            "0 differ, exit 0",
            rebuilt.returncode == 0 and " 0 differ" in rebuilt.stdout,
        )
        deadlocks = len(re.findall("deadlock detected", shop.postgres_log.read_text(errors="replace")))
        prover.equal("deadlocks in PostgreSQL's log", deadlocks, 0)


async def _storms(prover: Prover, shop: Services, port: int) -> None:
    ports = [part.port for name, part in shop.parts.items() if name.startswith("inventory-")]
    connection = await asyncpg.connect(plain_url(shop.database_url))
    async with Balancer(port, [each for each in ports if each is not None]):
        seeds = range(1, (QUICK_SEEDS if prover.quick else SEEDS) + 1)
        token = await asyncio.to_thread(log_in, shop.url, "staff")
        chosen = await _clean_skus(connection, len(seeds) * SKUS_OF_A_SEED)
        warehouses = [row["id"] for row in await connection.fetch("SELECT id FROM inventory.warehouses ORDER BY id")]
        rests: list[asyncio.Task[None]] = []
        sold_skus: list[Sequence[str]] = []
        shoppers = Shoppers(shop.url)
        for seed in seeds:
            skus = chosen[(seed - 1) * SKUS_OF_A_SEED : seed * SKUS_OF_A_SEED]
            for number, sku in enumerate(skus):
                for place, warehouse_id in enumerate(warehouses):
                    await shoppers.count(token, sku, warehouse_id, 4 if place == number % 3 else 3)
            began = time.monotonic()
            await storm(shop, shoppers, skus, BUYERS, seed)
            prover.console.print(f"  [dim]seed {seed}: {time.monotonic() - began:.1f} s[/]")
            rests.append(asyncio.create_task(buy_the_rest(shoppers, skus, seed, HOLD_SECONDS + 5)))
            sold_skus.append(skus)
        await asyncio.gather(*rests)
        await _settled(connection)
        for seed, skus in zip(seeds, sold_skus, strict=True):
            await _judge(prover, connection, seed, skus)
    prover.console.print("  [dim]" + ", ".join(f"{what}: {many}" for what, many in shoppers.seen.most_common()) + "[/]")
    masked = sum(many for what, many in shoppers.seen.items() if "INTERNAL" in what or "deadlock" in what)
    prover.equal("internal errors or deadlocks that a buyer saw", masked, 0)
    await connection.close()


async def _clean_skus(connection: asyncpg.Connection, many: int) -> list[str]:
    """Choose SKUs that can be bought and are promised to nobody."""
    rows = await connection.fetch(
        """SELECT sku FROM inventory.stock_levels GROUP BY sku
           HAVING sum(reserved + allocated) = 0 AND count(*) = 3 AND sum(on_hand) > 0 AND sku IN (
               SELECT variants.sku FROM products.variants JOIN products.products ON products.id = variants.product_id
               WHERE products.published)
           ORDER BY sku LIMIT $1""",
        many,
    )
    return [row["sku"] for row in rows]


async def _settled(connection: asyncpg.Connection) -> None:
    """Wait until no purchase is under way."""
    deadline = time.monotonic() + 60
    while await connection.fetchval(
        "SELECT count(*) FROM orders.sagas WHERE status IN ('RUNNING', 'WAITING', 'COMPENSATING')"
    ):
        if time.monotonic() > deadline:
            raise TimeoutError("purchases are still under way")
        await asyncio.sleep(0.2)


async def _judge(prover: Prover, connection: asyncpg.Connection, seed: int, skus: Sequence[str]) -> None:
    figures = await connection.fetchrow(
        """SELECT
            (SELECT coalesce(sum(line.quantity), 0) FROM orders.order_lines AS line
                JOIN orders.orders ON orders.id = line.order_id
                WHERE line.sku = ANY ($1) AND orders.status IN ('CONFIRMED', 'FULFILMENT', 'SHIPPED', 'DELIVERED')
                    AND orders.placed_at > now() - interval '1 hour') AS sold,
            (SELECT coalesce(sum(quantity - released), 0) FROM inventory.allocations
                WHERE sku = ANY ($1) AND order_id IN (
                    SELECT id FROM orders.orders WHERE placed_at > now() - interval '1 hour')) AS given,
            (SELECT min(least(on_hand, reserved, allocated, on_hand - reserved - allocated))
                FROM inventory.stock_levels WHERE sku = ANY ($1)) AS lowest""",
        list(skus),
    )
    seen = f"{figures['sold']} sold, {figures['given']} given by stock, lowest figure {figures['lowest']}"
    holds = (figures["sold"], figures["given"]) == (UNITS, UNITS) and figures["lowest"] >= 0
    prover.check(f"seed {seed}: units sold of {UNITS}", seen, f"{UNITS}, {UNITS}, >= 0", holds)


def _prove_tests(prover: Prover) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *(f"{INVENTORY_TESTS}/{name}" for name in RULES),
            "-q",
            "-p",
            "no:cacheprovider",
        ],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    seen = f"exit {done.returncode}, {done.stdout.strip().splitlines()[-1]}"
    prover.check("state machine, rules, races, desk", seen, "exit 0", done.returncode == 0)
