"""The money and the parcels behind orders: books that balance at every instant, whatever is told in whatever order."""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson

import subgraphs
from kernel.database import Database, plain_url
from kernel.errors import DomainError, ForbiddenError
from kernel.events.catalogue import OrderConfirmed, PostalAddress, StockLine
from kernel.ids import new_id
from kernel.money import CURRENCIES, Money
from kernel.telemetry import configure_logging
from kernel.testing import FixedClock
from kernel.webhooks import sign
from subgraphs.payments.domain.payment import Payment, made_of
from subgraphs.payments.domain.provider import Accepted, DisputeStage, RecordKind, RefundReport
from subgraphs.payments.providers.sandbox import SIGNATURE, SandboxProvider
from subgraphs.payments.providers.sandbox_messages import dispute_message, refund_message
from subgraphs.payments.service import PaymentsService
from subgraphs.payments.service import make_service as make_payments
from subgraphs.payments.storage import payments as store
from subgraphs.shipping.domain.carrier import Tracking, TrackingKind
from subgraphs.shipping.sandbox import SandboxCarrier
from subgraphs.shipping.service import make_service as make_shipping
from tests.prove.claims import Prover
from tests.servers import PostgresForTests

_MINOR_UNITS: Final = ("JPY", "EUR", "KWD")
"""Currencies with 0, 2 and 3 decimals."""
_CROOKED: Final = """
    SELECT count(*) FROM (
        SELECT 1 FROM payments.ledger_entries GROUP BY currency
        HAVING sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END) <> 0
    ) AS crooked
"""
_EVERYTHING: Final = "SELECT (SELECT count(*) FROM payments.ledger_entries), (SELECT count(*) FROM payments.outbox)"
_CAPTURED: Final = "SELECT captured_minor FROM payments.payments WHERE id = $1"


async def prove_payments(prover: Prover, postgres: PostgresForTests) -> None:
    """Run every part, each on a database of its own."""
    configure_logging(level="ERROR", style="console")  # refusals are what is provoked here
    await _prove_rounding(prover)
    async with _Books.fresh(postgres) as books:
        await _prove_ledger(prover, books)
    async with _Books.fresh(postgres) as books:
        await _prove_races(prover, books)
    async with _Books.fresh(postgres) as books:
        await _prove_forgeries(prover, books)
    await _prove_parcels(prover, postgres)
    _prove_contract(prover)


class _Books:
    """Payments on a fresh database, with a second connection that only looks."""

    def __init__(self, database: Database, eye: asyncpg.Connection) -> None:
        self.clock = FixedClock()
        self.database = database
        self.eye = eye
        self.provider = SandboxProvider(database, self.clock)
        self.service: PaymentsService = make_payments(database, [self.provider], self.clock)

    @classmethod
    def fresh(cls, postgres: PostgresForTests) -> _Opening:
        """Open them."""
        return _Opening(postgres)

    async def pay(self, amount: Money, token: str = "tok_approve", *, capture: bool = True, key: str = "") -> Payment:
        """Take or hold an amount."""
        return await self.service.charges.process(
            order_id=new_id("ord"),
            amount=amount,
            token=token,
            customer_id=None,
            key=key or new_id("evt"),
            capture=capture,
        )

    async def send(self, message: dict[str, Any], secret: str = "sandbox") -> None:
        """Let the provider tell something."""
        body = orjson.dumps(message)
        await self.service.webhooks.receive("sandbox", {SIGNATURE: sign(secret, body, self.clock.now())}, body)

    async def disagreeing(self) -> int:
        """Count the payments that are not what their events make them."""
        ids = [row[0] for row in await self.eye.fetch("SELECT id FROM payments.payments")]
        async with self.database.session() as session:
            events = await store.events_of(session, ids)
            rows = [await store.by_id(session, each) for each in ids]
        return sum(row is None or made_of(row, events[row.id]) != row for row in rows)


class _Opening:
    """Opens books and closes them."""

    def __init__(self, postgres: PostgresForTests) -> None:
        self._postgres = postgres

    async def __aenter__(self) -> _Books:
        url = await self._postgres.database({"payments": _migrations("payments")})
        self._books = _Books(Database(url, schema="payments"), await asyncpg.connect(plain_url(url)))
        return self._books

    async def __aexit__(self, *exc_info: object) -> None:
        await self._books.eye.close()
        await self._books.database.close()


def _migrations(name: str) -> Path:
    return Path(subgraphs.__file__).parent / name / "migrations"


async def _prove_rounding(prover: Prover) -> None:
    chance = random.Random(1)
    made = 0
    for _ in range(10_000):
        total = Money(chance.randrange(10**9), chance.choice(sorted(CURRENCIES)))
        parts = total.allocate([chance.randrange(1, 99) for _ in range(chance.randrange(1, 12))])
        made += Money.sum(parts, total.currency) != total
    prover.equal("splits of an amount (10,000) that made or lost a minor unit", made, 0)


async def _prove_ledger(prover: Prover, books: _Books) -> None:
    sequences = 60 if prover.quick else 600
    watching = asyncio.create_task(_watch(books))
    disturbed = sum(await asyncio.gather(*(_business(books, seed) for seed in range(sequences))))
    watching.cancel()
    looks, crooked = (await asyncio.gather(watching))[0]
    prover.equal(f"random sequences ({sequences}, three currencies): refusals that changed something", disturbed, 0)
    prover.check(f"instants ({looks}) at which debits were not credits", crooked, "= 0", crooked == 0 and looks > 0)
    prover.equal("payments that are not the sum of their events", await books.disagreeing(), 0)
    books.clock.advance(seconds=3600)
    while await books.service.settle_due():
        books.clock.advance(seconds=60)
    found = await books.service.reconciler.report(None, *_day(books.clock))
    charges = [each for each in found.differences if each.about == RecordKind.CHARGE]
    prover.equal("charges on which our books and the provider's differ in the end", len(charges), 0)


async def _watch(books: _Books) -> tuple[int, int]:
    """Look at the whole ledger again and again beside those who write; tell how often, and how often it was crooked."""
    looks = crooked = 0
    try:
        while True:
            crooked += await books.eye.fetchval(_CROOKED)
            looks += 1
            await asyncio.sleep(0.005)
    except asyncio.CancelledError:
        return looks, crooked


_STEPS: Final = ("capture", "void", "refund", "webhook refund", "charged", "OPENED", "WON", "LOST")
_gate = asyncio.Semaphore(8)


async def _business(books: _Books, seed: int) -> int:
    """Let a payment live through ten random steps; tell how many refused ones changed something."""
    chance = random.Random(seed)
    async with _gate:
        amount = Money(chance.randrange(1, 5000), chance.choice(_MINOR_UNITS))
        token = chance.choice(("tok_approve", "tok_fee", "tok_timeout", "tok_3ds"))
        payment = await books.pay(amount, token, capture=chance.random() < 0.5)
        disturbed = 0
        for at in range(10):
            before = await _state(books, payment.id)
            try:
                await _step(
                    books, before[0], chance.choice(_STEPS), Money(chance.randrange(1, 5000), amount.currency), at
                )
            except DomainError:
                disturbed += await _state(books, payment.id) != before
        return disturbed


async def _state(books: _Books, payment_id: str) -> tuple[Payment, int]:
    async with books.database.session() as session:
        payment = await store.by_id(session, payment_id)
        events = await store.events_of(session, [payment_id])
    assert payment is not None
    return payment, len(events[payment_id])


async def _step(books: _Books, payment: Payment, step: str, money: Money, at: int) -> None:
    service, key = books.service, f"{payment.id}:{at}"
    match step:
        case "capture":
            await service.captures.capture(payment_id=payment.id, amount=money, key=key)
        case "void":
            await service.captures.void(payment_id=payment.id, key=key)
        case "refund":
            await service.refunds.refund(payment_id=payment.id, amount=money, reason="", key=key)
        case "webhook refund":
            report = RefundReport(
                charge_reference=payment.provider_reference, key="", amount=money, answer=Accepted(key)
            )
            await books.send(refund_message(report, books.clock.now()))
        case "charged":
            answer = await books.provider.find_charge(payment.idempotency_key)
            if answer is not None:
                await service.charges.settle(payment, answer)
        case "OPENED" | "WON" | "LOST":
            await books.send(_dispute(payment, DisputeStage(step), money, books.clock))
        case _:
            await service.charges.find(payment.idempotency_key)


def _dispute(payment: Payment, stage: DisputeStage, money: Money, clock: FixedClock) -> dict[str, Any]:
    row = {
        "reference": f"dp:{payment.id}",
        "charge_reference": payment.provider_reference,
        "amount_minor": money.minor,
        "currency": money.currency,
    }
    return dispute_message(row, stage, clock.now())


async def _prove_races(prover: Prover, books: _Books) -> None:
    rounds = 5 if prover.quick else 40
    wrong = 0
    for _ in range(rounds):
        key = new_id("evt")
        payment = await books.pay(Money(2000, "EUR"), "tok_webhook_only", key=key)
        find = books.service.charges.find
        await asyncio.gather(books.provider.deliver_due(books.service.webhooks.receive), find(key), find(key))
        wrong += await books.eye.fetchval(_CAPTURED, payment.id) != 2000
    prover.equal(f"webhook against completion ({rounds} x): payments not taken exactly once", wrong, 0)
    entries = await books.eye.fetchval("SELECT count(*) FROM payments.ledger_entries")
    prover.equal("ledger entries of these", entries, 2 * rounds)

    held = await books.pay(Money(2000, "EUR"), capture=False)
    captures = (
        books.service.captures.capture(payment_id=held.id, amount=None, key=f"c{at}")
        if at % 2
        else books.service.captures.void(payment_id=held.id, key=f"v{at}")
        for at in range(50)
    )
    prover.equal("captures and voids that won, of 50 at once", await _won(captures), 1)

    paid = await books.pay(Money(2000, "EUR"))
    refunds = (
        books.service.refunds.refund(payment_id=paid.id, amount=Money(190, "EUR"), reason="", key=f"r{at}")
        for at in range(50)
    )
    prover.equal("refunds of 1.90 that were given, of 50 at once on 20.00", await _won(refunds), 10)
    prover.equal("crooked currencies afterwards", await books.eye.fetchval(_CROOKED), 0)


async def _won(work: Any) -> int:
    answers = await asyncio.gather(*work, return_exceptions=True)
    unexpected = [each for each in answers if isinstance(each, Exception) and not isinstance(each, DomainError)]
    if unexpected:
        raise unexpected[0]
    return sum(not isinstance(each, BaseException) for each in answers)


async def _prove_forgeries(prover: Prover, books: _Books) -> None:
    payment = await books.pay(Money(2000, "EUR"))
    opened = _dispute(payment, DisputeStage.OPENED, payment.amount, books.clock)
    before = await books.eye.fetchrow(_EVERYTHING)
    refused = 0
    for secret in ("", "guessed", "sandbox "):
        refused += await _is_refused(books.send(opened, secret))
    body = orjson.dumps(opened)
    old = {SIGNATURE: sign("sandbox", body, books.clock.now())}
    books.clock.advance(seconds=301)
    refused += await _is_refused(books.service.webhooks.receive("sandbox", old, body))
    prover.equal("webhooks refused: forged three times, replayed too late", refused, 4)
    prover.equal("changes by these", await books.eye.fetchrow(_EVERYTHING) == before, True)
    await asyncio.gather(*(books.send(opened) for _ in range(50)))
    count = await books.eye.fetchval("SELECT count(*) FROM payments.chargebacks")
    prover.equal("disputes booked of one message, sent 50 times at once", count, 1)


async def _is_refused(work: Coroutine[Any, Any, object]) -> bool:
    try:
        await work
    except ForbiddenError:
        return True
    return False


async def _prove_parcels(prover: Prover, postgres: PostgresForTests) -> None:
    url = await postgres.database({"shipping": _migrations("shipping")})
    clock, chance, parcels = FixedClock(), random.Random(3), 10 if prover.quick else 60
    async with Database(url, schema="shipping") as database:
        carrier = SandboxCarrier(database, clock, transit_after=3600, delivered_after=7200)
        service = make_shipping(database, carrier, clock)
        for at in range(parcels):
            async with database.transaction() as session:
                await service.shipments.plan(session, _confirmed(f"ord_{at}"))
        while await service.shipments.drive_due():
            clock.advance(seconds=1)
        numbers = await _column(url, "SELECT tracking_number FROM shipping.shipments")
        messages = [
            Tracking(id=f"{number}-{kind}", tracking_number=number, kind=kind, at=clock.now())
            for number in numbers
            for kind in (TrackingKind.IN_TRANSIT, TrackingKind.DELIVERY_FAILED, TrackingKind.DELIVERED)
            for _ in range(3)
        ]
        chance.shuffle(messages)
        gate = asyncio.Semaphore(10)

        async def send(tracking: Tracking) -> None:
            async with gate:
                await service.webhooks.receive("sandbox", *carrier.webhook(tracking))

        await asyncio.gather(*map(send, messages))
    told = await _column(url, "SELECT type FROM shipping.outbox")
    arrived = await _column(url, "SELECT id FROM shipping.shipments WHERE status = 'DELIVERED'")
    prover.equal(f"{len(messages)} carrier messages, shuffled and tripled: parcels delivered", len(arrived), parcels)
    prover.equal("OrderShipped, OrderDelivered told", [told.count(each) for each in _TOLD], [parcels, parcels])


_TOLD: Final = ("OrderShipped", "OrderDelivered")


async def _column(url: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(plain_url(url))
    try:
        return [row[0] for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def _confirmed(order_id: str) -> OrderConfirmed:
    return OrderConfirmed(
        order_id=order_id,
        number=order_id,
        customer_id=None,
        email="ada@example.com",
        currency="EUR",
        total_minor=2000,
        lines=(),
        stock=(StockLine(sku="SKU-A", quantity=1, warehouse_id="wh_1"),),
        shipping_address=PostalAddress(name="Ada", line1="Weg 1", city="Berlin", postal_code="10115", country="DE"),
        shipping_method_id="shm_standard",
        confirmed_at="2026-06-01T12:00:00+00:00",
    )


def _day(clock: FixedClock) -> tuple[Any, Any]:
    now = clock.now()
    return now.replace(hour=0), now.replace(hour=23)


def _prove_contract(prover: Prover) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/subgraphs/payments/test_providers.py",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(subgraphs.__file__).parents[1])
    passed = re.search(r"(\d+) passed", done.stdout)
    figure = f"{passed.group(1) if passed else 0} pass, exit {done.returncode}"
    prover.check(
        "contract of providers: sandbox, Stripe's library on a stand-in", figure, "exit 0", done.returncode == 0
    )
