"""The demo shop in real PostgreSQL: all read models agree, it is loaded once, and never by half."""

from datetime import UTC, datetime
from io import StringIO

import asyncpg
import pytest
from rich.console import Console

from kernel.sealing import KeyRing
from kernel.secrets import FileSecrets
from runtime.demo_data import loading
from runtime.demo_data.loading import load_demo_data
from runtime.progress import Steps
from runtime.shop import SUBGRAPHS
from subgraphs.users.storage.personal import PersonalKeys

NOW = datetime(2026, 6, 15, tzinfo=UTC)


def quiet() -> Steps:
    return Steps(Console(file=StringIO()))


CHECKS = [
    ("products", "SELECT count(*) FROM products.products WHERE published", 500),
    ("orders", "SELECT count(*) FROM orders.orders", 5000),
    ("customers and staff", "SELECT count(*) FROM users.users", 202),
    ("one password for all", "SELECT count(DISTINCT password_hash) FROM users.credentials", 1),
    ("no events to deliver", "SELECT count(*) FROM orders.outbox", 0),
    (
        "levels are the sum of their ledger",
        """
        SELECT count(*) FROM inventory.stock_levels AS level FULL JOIN (
            SELECT sku, warehouse_id, max(version) AS version, sum(CASE type
                WHEN 'StockReceived' THEN quantity WHEN 'StockAdjusted' THEN quantity
                WHEN 'StockReturned' THEN quantity
                WHEN 'StockShipped' THEN -quantity ELSE 0 END) AS on_hand
            FROM inventory.stock_events GROUP BY 1, 2) AS told USING (sku, warehouse_id)
        WHERE level.on_hand <> told.on_hand OR level.version <> told.version
           OR level.sku IS NULL OR told.sku IS NULL OR level.reserved + level.allocated <> 0
        """,
        0,
    ),
    (
        "every variant has its stock",
        (
            "SELECT count(*) FROM products.variants FULL JOIN inventory.skus USING (sku)"
            " WHERE variants.sku IS NULL OR skus.sku IS NULL"
        ),
        0,
    ),
    (
        "demand is what orders took",
        """
        SELECT count(*) FROM (SELECT sku, sum(quantity) AS wanted FROM inventory.demand_lines GROUP BY 1) AS told
        FULL JOIN (SELECT sku, sum(quantity) AS wanted FROM inventory.allocations GROUP BY 1) AS took USING (sku)
        WHERE told.wanted IS DISTINCT FROM took.wanted
        """,
        0,
    ),
    (
        "every SKU has a group and a cost",
        (
            "SELECT count(*) FROM inventory.skus LEFT JOIN inventory.sku_groups USING (sku) LEFT JOIN"
            " inventory.stock_costs USING (sku) WHERE coalesce(group_id, '') = '' OR minor IS NULL"
        ),
        0,
    ),
    (
        "debits are credits",
        (
            "SELECT count(*) FROM (SELECT transaction_id FROM payments.ledger_entries GROUP BY 1, currency"
            " HAVING sum(amount_minor) FILTER (WHERE side = 'DEBIT')"
            " IS DISTINCT FROM sum(amount_minor) FILTER (WHERE side = 'CREDIT')) AS unbalanced"
        ),
        0,
    ),
    (
        "every order is paid in full",
        (
            "SELECT count(*) FROM orders.orders AS o LEFT JOIN payments.payments AS p ON p.order_id = o.id"
            " WHERE p.amount_minor IS DISTINCT FROM o.total_minor OR p.currency <> o.currency"
        ),
        0,
    ),
    (
        "lines keep prices that lie at or below the list price",
        (
            "SELECT count(*) FROM orders.order_lines AS l JOIN orders.orders AS o ON o.id = l.order_id"
            " JOIN products.prices AS p ON p.variant_id = l.variant_id AND p.currency = o.currency"
            " WHERE l.unit_price_minor > p.minor"
        ),
        0,
    ),
    (
        "every order that was shipped has a shipment",
        (
            "SELECT count(*) FROM orders.orders AS o LEFT JOIN shipping.shipments AS s ON s.order_id = o.id"
            " WHERE o.status IN ('SHIPPED', 'DELIVERED') AND (s.id IS NULL OR s.status <>"
            " CASE o.status WHEN 'SHIPPED' THEN 'IN_TRANSIT' ELSE 'DELIVERED' END)"
        ),
        0,
    ),
    (
        "pairs are counted as the orders have them",
        """
        SELECT count(*) FROM recommendations.product_pairs AS pair FULL JOIN (
            SELECT one.product_id, other.product_id AS other_id, count(DISTINCT order_id) AS orders
            FROM orders.order_lines AS one JOIN orders.order_lines AS other USING (order_id)
            WHERE one.product_id <> other.product_id GROUP BY 1, 2) AS counted USING (product_id, other_id)
        WHERE pair.orders IS DISTINCT FROM counted.orders
        """,
        0,
    ),
    (
        "every message is somebody's",
        (
            "SELECT count(*) FROM notifications.messages AS m LEFT JOIN users.users AS u ON u.id = m.user_id"
            " WHERE u.id IS NULL"
        ),
        0,
    ),
]
"""What is counted, how, and what must come out."""


async def test_it_is_loaded_once_and_all_read_models_agree(make_database, tmp_path):
    url = await make_database(*SUBGRAPHS)
    assert await load_demo_data(url, quiet(), PersonalKeys(KeyRing(FileSecrets(tmp_path))), now=NOW)
    assert not await load_demo_data(url, quiet(), PersonalKeys(KeyRing(FileSecrets(tmp_path))), now=NOW)
    connection = await asyncpg.connect(url)
    try:
        seen = {what: await connection.fetchval(query) for what, query, _ in CHECKS}
    finally:
        await connection.close()
    assert seen == {what: expected for what, _, expected in CHECKS}


async def test_a_crash_in_the_middle_leaves_nothing(make_database, tmp_path, monkeypatch: pytest.MonkeyPatch):
    url = await make_database(*SUBGRAPHS)

    async def crash(*_: object) -> None:
        raise ConnectionError("the power went out")

    with monkeypatch.context() as broken:
        broken.setitem(loading._LOADS, "Payments", crash)
        with pytest.raises(ConnectionError):
            await load_demo_data(url, quiet(), PersonalKeys(KeyRing(FileSecrets(tmp_path))), now=NOW)
    connection = await asyncpg.connect(url)
    try:
        for table in ("products.products", "inventory.stock_events", "users.users", "orders.orders"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    finally:
        await connection.close()
