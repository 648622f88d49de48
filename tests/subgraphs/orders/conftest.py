"""Orders on a real database; the other subgraphs are stand-ins that remember what they did, by key."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.errors import ConflictError
from kernel.events.catalogue import PostalAddress, StockLine
from kernel.identity import Caller
from kernel.money import Money
from kernel.subgraph import Parts
from subgraphs.orders.app import make_service
from subgraphs.orders.domain.cart import Article
from subgraphs.orders.domain.checkout import Reservation, ShippingChoice, Voucher
from subgraphs.orders.domain.errors import InsufficientStockError, OrderNotCancellableError, Shortage
from subgraphs.orders.domain.ports import PaymentOutcome, PaymentState, Ports, ReturnLabel
from subgraphs.orders.service.completion import Completion
from subgraphs.orders.settings import OrdersSettings

ADDRESS = PostalAddress(name="Ada Lovelace", line1="Weg 1", city="Berlin", postal_code="10115", country="DE")

BUYER = Caller(id="usr_1", kind="customer", email="ada@example.com")


@dataclass
class Faults:
    """Lets a port fail: `before` in place of the work, `after` once it is done, each as often as it is listed."""

    before: dict[str, list[Exception]] = field(default_factory=dict)
    after: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def enter(self, name):
        self.calls.append(name)
        if self.before.get(name):
            raise self.before[name].pop(0)

    def leave(self, name):
        if self.after.get(name):
            raise self.after[name].pop(0)


class Shelf:
    """A catalogue of one price list."""

    def __init__(self, faults):
        self.faults = faults
        self.prices = {"SKU-A": 1999, "SKU-B": 500, "SKU-C": 333}

    async def articles(self, skus, currency):
        self.faults.enter("articles")
        return {
            sku: Article(
                sku=sku,
                variant_id=f"var_{sku}",
                product_id=f"prod_{sku}",
                name=f"Article {sku}",
                unit_price=Money(self.prices[sku], currency),
                weight_grams=100,
            )
            for sku in skus
            if sku in self.prices and currency == "EUR"
        }


class Depot:
    """A warehouse that counts."""

    def __init__(self, faults, clock):
        self.faults, self.clock = faults, clock
        self.stock = {"SKU-A": 10, "SKU-B": 10, "SKU-C": 10}
        self.held, self.allocated, self.answers = {}, {}, {}
        self.returned = []

    def left(self, sku):
        taken = [*self.held.values(), *self.allocated.values()]
        return self.stock.get(sku, 0) - sum(lines.get(sku, 0) for lines in taken)

    async def available(self, skus):
        return {sku: self.left(sku) for sku in skus}

    async def reserve(self, checkout_id, quantities, ttl_seconds, key):
        self.faults.enter("reserve")
        if key not in self.answers:
            short = [Shortage(s, q, self.left(s)) for s, q in quantities.items() if q > self.left(s)]
            if short:
                raise InsufficientStockError(tuple(short))
            reservation = f"res_{uuid.uuid4().hex}"
            self.held[reservation] = dict(quantities)
            expires_at = self.clock.now() + timedelta(seconds=ttl_seconds)
            self.answers[key] = Reservation(id=reservation, expires_at=expires_at)
        self.faults.leave("reserve")
        return self.answers[key]

    async def release(self, reservation_id, reason, key):
        self.faults.enter("release")
        self.held.pop(reservation_id, None)
        self.faults.leave("release")

    async def allocate(self, reservation_id, order_id, key, destination=None):
        self.faults.enter("allocate")
        if order_id not in self.allocated:
            self.allocated[order_id] = self.held.pop(reservation_id)
        self.faults.leave("allocate")
        lines = self.allocated[order_id].items()
        return tuple(StockLine(sku=sku, quantity=quantity, warehouse_id="wh_1") for sku, quantity in lines)

    async def release_allocation(self, order_id, reason, key):
        self.faults.enter("release_allocation")
        self.allocated.pop(order_id, None)
        self.faults.leave("release_allocation")

    async def change_allocation(self, order_id, quantities, key, destination=None):
        self.faults.enter("change_allocation")
        if key not in self.answers:
            has = self.allocated[order_id]
            short = [
                Shortage(s, q, has.get(s, 0) + self.left(s))
                for s, q in quantities.items()
                if q - has.get(s, 0) > self.left(s)
            ]
            if short:
                raise InsufficientStockError(tuple(short))
            self.allocated[order_id] = {s: q for s, q in quantities.items() if q}
            lines = self.allocated[order_id].items()
            self.answers[key] = tuple(StockLine(sku=s, quantity=q, warehouse_id="wh_1") for s, q in lines)
        self.faults.leave("change_allocation")
        return self.answers[key]

    async def take_back(self, order_id, sku, quantity, *, sellable, key):
        self.faults.enter("take_back")
        if key not in self.answers:
            self.answers[key] = True
            self.returned.append((sku, quantity, sellable))
        self.faults.leave("take_back")


class Till:
    """A provider that charges once for each key; the token says how it ends."""

    def __init__(self, faults):
        self.faults = faults
        self.payments, self.refunds = {}, {}
        self.pending = set()

    @property
    def balance(self):
        charged = sum(amount.minor for _, amount, state, _ in self.payments.values() if state == "CAPTURED")
        return charged - sum(self.refunds.values())

    async def process(self, *, order_id, amount, token, customer_id, key):
        self.faults.enter("process")
        declined = token.removeprefix("tok_decline_") if token.startswith("tok_decline_") else ""
        self.payments.setdefault(key, (order_id, amount, "DECLINED" if declined else "CAPTURED", declined))
        if token == "tok_pending":
            self.pending.add(key)
        self.faults.leave("process")
        return self.outcome(key)

    async def find(self, key):
        self.faults.enter("find")
        return self.outcome(key) if key in self.payments else None

    def outcome(self, key):
        _, _, state, declined = self.payments[key]
        known = PaymentState.PENDING if key in self.pending else PaymentState(state)
        return PaymentOutcome(f"pay:{key}", known, declined, retryable=declined == "insufficient_funds")

    async def refund(self, payment_id, reason, key):
        self.faults.enter("refund")
        self.refunds.setdefault(key, self.payments[payment_id.removeprefix("pay:")][1].minor)
        self.faults.leave("refund")

    async def refund_amount(self, order_ids, amount, reason, key):
        self.faults.enter("refund_amount")
        self.refunds.setdefault(key, amount.minor)
        self.faults.leave("refund_amount")

    async def refund_order(self, order_id, reason, key):
        self.faults.enter("refund_order")
        for at, (order, amount, state, _) in self.payments.items():
            if order == order_id and state == "CAPTURED":
                self.refunds.setdefault(f"{key}:{at}", amount.minor)
        self.faults.leave("refund_order")


class Parcels:
    """A carrier with two prices."""

    def __init__(self, faults):
        self.faults = faults
        self.on_the_way, self.halted, self.held = set(), set(), set()

    async def choices(self, country, subtotal, weight_grams):
        self.faults.enter("choices")
        prices = {"standard": 490, "express": 1290} if country == "DE" else {"standard": 990}
        return tuple(
            ShippingChoice(method_id=f"shm_{name}", name=name, price=Money(minor, subtotal.currency))
            for name, minor in prices.items()
        )

    async def return_label(self, order_id, return_id, weight_grams, key):
        self.faults.enter("return_label")
        return ReturnLabel(f"TRACK-{return_id[-4:]}", f"https://labels.example/{key}")

    async def hold(self, order_id):
        self.faults.enter("hold")
        if order_id in self.on_the_way:
            raise ConflictError("A part of the order is on its way already.", code="INVALID_STATE")
        self.held.add(order_id)
        self.faults.leave("hold")

    async def resume(self, order_id):
        self.faults.enter("resume")
        self.held.discard(order_id)
        self.faults.leave("resume")

    async def halt(self, order_id):
        self.faults.enter("halt")
        if order_id in self.on_the_way:
            raise OrderNotCancellableError("A part of the order is on its way already.")
        self.halted.add(order_id)
        self.faults.leave("halt")


class Drawer:
    """Vouchers of ten percent, some of which do not count."""

    def __init__(self, faults):
        self.faults = faults
        self.uses, self.limits = {}, {"TEN": None, "ONCE": 1}

    async def evaluate(self, code, purchase):
        self.faults.enter("evaluate")
        if code not in self.limits:
            raise ConflictError("This voucher has expired.", code="VOUCHER_EXPIRED", path=("code",))
        limit = self.limits[code]
        if limit is not None and list(self.uses.values()).count(code) >= limit:
            raise ConflictError("This voucher has been used up.", code="VOUCHER_USED_UP", path=("code",))
        return Voucher(code=code, name="Ten percent", discount=purchase.goods * Decimal("0.1"))

    async def redeem(self, code, order_id, purchase):
        self.faults.enter("redeem")
        if order_id not in self.uses:
            await self.evaluate(code, purchase)
            self.uses[order_id] = code
        self.faults.leave("redeem")

    async def release(self, order_id):
        self.faults.enter("unredeem")
        self.uses.pop(order_id, None)
        self.faults.leave("unredeem")


@dataclass
class World:
    """Orders with everything around it."""

    service: object
    database: Database
    clock: object
    faults: Faults
    shelf: Shelf
    depot: Depot
    till: Till
    parcels: Parcels
    drawer: Drawer
    buyer: Caller = BUYER

    async def cart(self, lines=(("SKU-A", 2), ("SKU-B", 1)), caller=None):
        caller = caller or self.buyer
        cart = await self.service.carts.create(caller, "EUR")
        return await self.service.carts.add_lines(caller, cart.id, list(lines))

    async def checkout(self, lines=(("SKU-A", 2), ("SKU-B", 1)), caller=None):
        """A checkout that is ready to be paid."""
        caller = caller or self.buyer
        cart = await self.cart(lines, caller)
        checkouts = self.service.checkouts
        checkout = await checkouts.create(caller, cart.id, "ada@example.com")
        await checkouts.set_address(caller, checkout.id, ADDRESS)
        return await checkouts.set_shipping_method(caller, checkout.id, "shm_standard")

    def total(self, checkout):
        return self.service.completion.totals_of(checkout).total.gross

    async def complete(self, checkout, token="tok_approve", key="key-1", caller=None, total=None):
        request = Completion(total or self.total(checkout), token, key)
        return await self.service.completion.complete(caller or self.buyer, checkout.id, request)

    def replica(self, *, alone=False):
        """Another process over the same world."""
        return replace(self, service=_service(self.database, self.clock, self, alone=alone))


def _service(database, clock, world, *, alone=False):
    parts = Parts(database=database, calls=InProcessCalls("orders", {}), clock=clock)
    ports = Ports(
        catalogue=world.shelf, stock=world.depot, payments=world.till, shipping=world.parcels, vouchers=world.drawer
    )
    return make_service(parts, OrdersSettings.load(), ports, alone=alone)


@pytest.fixture
async def database(make_database):
    async with Database(await make_database("orders"), schema="orders") as database:
        yield database


@pytest.fixture
def world(database, clock):
    faults = Faults()
    world = World(
        None,
        database,
        clock,
        faults,
        Shelf(faults),
        Depot(faults, clock),
        Till(faults),
        Parcels(faults),
        Drawer(faults),
    )
    world.service = _service(database, clock, world)
    return world
