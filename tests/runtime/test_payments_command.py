"""`storegraph payments reconcile` on a database of its own."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest
from typer.testing import CliRunner

from kernel.database import plain_url
from runtime.cli import app
from subgraphs.payments.storage import bulk


@pytest.fixture
async def url(make_database, monkeypatch):
    """One payment of today."""
    url = await make_database("payments")
    connection = await asyncpg.connect(plain_url(url))
    row = bulk.PaymentRow(
        id="pay_1",
        order_id="ord_1",
        customer_id=None,
        amount_minor=1234,
        currency="EUR",
        token="tok_approve",
        created_at=datetime.now(UTC),
    )
    async with connection.transaction():
        await bulk.copy(connection, payments=[row])
    await connection.close()
    monkeypatch.setenv("STOREGRAPH_DATABASE_URL", url)
    return url


async def run(*arguments):
    return await asyncio.to_thread(CliRunner().invoke, app, ["payments", "reconcile", *arguments])


async def test_both_sides_agree(url):
    done = await run()
    assert done.exit_code == 0, done.output
    assert "1 lines here, 1 at the provider" in done.output
    assert "12.34 EUR" in done.output


async def test_a_difference_is_shown_and_is_an_exit_code(url):
    connection = await asyncpg.connect(plain_url(url))
    await connection.execute("UPDATE payments.sandbox_charges SET captured_minor = 1200")
    await connection.close()
    done = await run("--days", "2")
    assert done.exit_code == 1
    assert "AMOUNT_DIFFERS" in done.output


async def test_a_provider_that_is_not_set_up_is_one_line(url):
    done = await run("--provider", "stripe")
    assert done.exit_code != 0
    assert "There is no payment provider 'stripe'." in str(done.exception)
