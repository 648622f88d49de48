"""`storegraph saga`: operators see and decide what waits, without a running store."""

import asyncio

import pytest
from sqlalchemy import text

from kernel.database import Database
from kernel.testing import FixedClock
from runtime import saga_command
from subgraphs.orders.domain.saga import SagaKind, StepName, StepStatus, start
from subgraphs.orders.domain.status import SagaStatus
from subgraphs.orders.storage import sagas


@pytest.fixture
async def store(make_database, monkeypatch, tmp_path):
    url = await make_database("orders")
    monkeypatch.setenv("STOREGRAPH_DATABASE_URL", url)
    now = FixedClock().now()
    saga = start("saga_1", SagaKind.CHECKOUT, "ord_1", "chk_1", {"total_minor": 1})
    saga = saga.with_step(StepName.RESERVE_STOCK, StepStatus.DONE, {"reservation_id": "res_1"})
    saga = saga.with_step(StepName.REDEEM_VOUCHER, StepStatus.DONE, {}).to(SagaStatus.WAITING)
    async with Database(url, schema="orders") as database, database.transaction() as session:
        await session.execute(
            text(
                """INSERT INTO orders (id, cart_id, checkout_id, email, currency, status, subtotal_net_minor,
                       subtotal_tax_minor, shipping_net_minor, shipping_tax_minor, total_minor, shipping_method_id,
                       shipping_method_name, address, placed_at)
                   VALUES ('ord_1', 'cart_1', 'chk_1', 'a@b.de', 'EUR', 'PAYMENT', 1, 0, 0, 0, 1, 'shm', 'x', '{}',
                       :now)"""
            ),
            {"now": now},
        )
        await sagas.add(session, saga, "key", now, now)
    return tmp_path


def in_a_thread(work, *args, **options):
    """The commands run an event loop of their own."""
    return asyncio.to_thread(work, *args, **options)


async def test_what_waits_is_listed_and_shown_step_by_step(store, capsys):
    await in_a_thread(saga_command.list_sagas, store, everything=False, first=20)
    await in_a_thread(saga_command.show_saga, store, "saga_1")
    printed = capsys.readouterr().out
    assert "PROCESS_PAYMENT, which may be decided by hand: DONE or REFUSED" in printed
    assert "reservation_id: res_1" in printed


async def test_a_step_is_decided_by_hand(store, capsys):
    await in_a_thread(saga_command.retry_saga, store, "saga_1")
    await in_a_thread(saga_command.resolve_saga, store, "saga_1", step="process_payment", verdict="refused", payment="")
    assert "COMPENSATING" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("step", "verdict", "told"),
    [
        ("NOTHING", "DONE", "'NOTHING' is none of RESERVE_STOCK"),
        ("PROCESS_PAYMENT", "PERHAPS", "'PERHAPS' is none of DONE, REFUSED"),
        ("PROCESS_PAYMENT", "DONE", "Name the payment"),
        ("CONFIRM_ORDER", "REFUSED", "waits for PROCESS_PAYMENT"),
    ],
)
async def test_what_cannot_be_decided_is_one_line(store, step, verdict, told):
    with pytest.raises(saga_command.RefusedError, match=told):
        await in_a_thread(saga_command.resolve_saga, store, "saga_1", step=step, verdict=verdict, payment="")


async def test_a_saga_that_is_not_there_is_one_line(store):
    with pytest.raises(saga_command.RefusedError, match="No such saga"):
        await in_a_thread(saga_command.show_saga, store, "saga_2")
