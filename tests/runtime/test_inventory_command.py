"""`storegraph inventory` on a database of its own."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest
from typer.testing import CliRunner

from kernel.database import plain_url
from runtime.cli import app
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.storage import bulk


@pytest.fixture
async def url(make_database, monkeypatch):
    """Stock with one delivery."""
    url = await make_database("inventory")
    connection = await asyncpg.connect(plain_url(url))
    delivery = bulk.MovementRow(
        sku="A", warehouse_id="wh_1", type=MovementType.RECEIVED, quantity=5, occurred_at=datetime.now(UTC)
    )
    warehouse = bulk.WarehouseRow(id="wh_1", code="BER", name="Berlin", country="DE")
    await bulk.copy(connection, warehouses=[warehouse], skus=[], movements=[delivery])
    await connection.close()
    monkeypatch.setenv("STOREGRAPH_DATABASE_URL", url)
    return url


async def run(*arguments):
    return await asyncio.to_thread(CliRunner().invoke, app, ["inventory", *arguments])


async def spoil(url):
    connection = await asyncpg.connect(plain_url(url))
    await connection.execute("UPDATE inventory.stock_levels SET on_hand = 6")
    await connection.close()


async def test_sound_books_are_proved(url):
    proved, checked = await run("verify"), await run("rebuild", "--check")
    assert (proved.exit_code, checked.exit_code) == (0, 0)
    assert "Every level is what its ledger tells" in proved.output
    assert "1 entries replayed, 1 rows compared, 0 differ." in checked.output


async def test_wrong_figures_are_told_and_put_right(url):
    await spoil(url)
    wrong, checked = await run("verify"), await run("rebuild", "--check")
    assert (wrong.exit_code, checked.exit_code) == (1, 1)
    assert "1 figures are wrong" in wrong.output
    assert "stock_levels A wh_1" in checked.output
    assert (await run("rebuild")).exit_code == 0
    assert (await run("verify")).exit_code == 0
