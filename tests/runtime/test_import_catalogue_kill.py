"""An import is killed with -9 again and again; no product is ever there without its variants, prices and stock."""

import asyncio
import random
import signal
import sys
from pathlib import Path

import asyncpg

PRODUCTS = 40
VARIANTS = 3
HEADER = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price"

HALF = f"""
SELECT count(*) FROM (
    SELECT product.id FROM products.products AS product
    LEFT JOIN products.variants AS variant ON variant.product_id = product.id
    LEFT JOIN products.prices AS price ON price.variant_id = variant.id
    LEFT JOIN inventory.stock_levels AS level ON level.sku = variant.sku AND level.on_hand = 7
    GROUP BY product.id
    HAVING count(variant.id) <> {VARIANTS} OR count(price.minor) <> {VARIANTS} OR count(level.sku) <> {VARIANTS}
) AS half
"""


async def test_no_kill_leaves_half_a_product(make_database, tmp_path: Path):
    url = await make_database("products", "inventory")
    file = tmp_path / "products.csv"
    file.write_text("\n".join([HEADER, *_rows()]) + "\n")
    chance = random.Random(5)
    connection = await asyncpg.connect(url)
    try:
        kills = 0
        async with asyncio.timeout(100):
            while await _run(url, file, kill_after=chance.randint(5, 15)):
                kills += 1
                assert await connection.fetchval(HALF) == 0
        assert kills >= 2
        assert await connection.fetchval(HALF) == 0
        assert await connection.fetchval("SELECT count(*) FROM products.products") == PRODUCTS
        received = "SELECT count(*) FROM inventory.stock_events"
        assert await connection.fetchval(received) == PRODUCTS * VARIANTS
        told = "SELECT count(*) FROM products.outbox WHERE type = 'ProductCreated'"
        assert await connection.fetchval(told) == PRODUCTS
    finally:
        await connection.close()


def _rows() -> list[str]:
    return [
        f"p{number},{f'Product {number}' if not variant else ''},{'Size' if not variant else ''},{variant},"
        f"SKU-{number}-{variant},7,9.99"
        for number in range(PRODUCTS)
        for variant in range(VARIANTS)
    ]


async def _run(url: str, file: Path, *, kill_after: int) -> bool:
    """Import until some new products are done, then kill; tell whether it was killed before its end."""
    script, root = Path(__file__).with_name("import_process.py"), Path(__file__).parents[2]
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(script), url, str(file), stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(root)}
    )
    connection = await asyncpg.connect(url)
    known = await connection.fetchval("SELECT count(*) FROM products.products")
    await connection.close()
    async for line in child.stdout:
        if int(line.split()[0]) >= known + kill_after:
            break
    else:
        assert await child.wait() == 0
        return False
    await asyncio.sleep(random.Random(kill_after).uniform(0, 0.02))
    if child.returncode is None:
        child.send_signal(signal.SIGKILL)
    return await child.wait() != 0
