"""All commands in any order on real PostgreSQL, compared after each step with a model of a few dictionaries."""

import asyncio
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kernel.database import Database
from kernel.errors import ConflictError, DomainError
from kernel.events.catalogue import StockLine
from kernel.testing import FixedClock
from subgraphs.inventory.domain.errors import InsufficientStockError
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.domain.stock import Policy
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.auditing import rebuild
from subgraphs.inventory.service.bundles import set_bundle
from subgraphs.inventory.storage import reading

SKUS = ("A", "B")
WAREHOUSES = ("wh_near", "wh_far", "wh_third")
BUNDLE = {"A": 1, "B": 2}
TTL = 100

skus = st.sampled_from(SKUS)
warehouses = st.sampled_from(WAREHOUSES)
numbers = st.integers(0, 5)
few = st.integers(1, 5)


@dataclass
class Promise:
    """A reservation of the model, and the order it became; `lost` are the SKUs that others took after its time."""

    id: str
    wanted: dict[str, int]
    expires: int
    lost: set[str] = field(default_factory=set)
    state: str = "held"
    returned: dict[str, int] = field(default_factory=dict)

    @property
    def order(self):
        return f"ord of {self.id}"


class StockMachine(RuleBasedStateMachine):
    """Stock as one person would count it, over all warehouses together, beside the shop's."""

    runner: asyncio.Runner
    database: Database

    @initialize()
    def open(self):
        """Each history plays in SKUs of its own, so that one database serves them all."""
        self.name = uuid4().hex
        self.clock = FixedClock()
        self.service = InventoryService(self.database, self.clock)
        self.now, self.steps = 0, 0
        self.promises = []
        self.on_hand = {self.sku(each): 0 for each in SKUS}
        self.extra = dict.fromkeys(((sku, there) for sku in self.on_hand for there in WAREHOUSES), 0)
        parts = [(self.sku(part), quantity) for part, quantity in BUNDLE.items()]
        self.run(set_bundle(self.database, self.sku("BUNDLE"), parts))

    def run(self, work):
        return self.runner.run(work)

    def sku(self, letter):
        return f"{letter} {self.name}"

    def key(self):
        self.steps += 1
        return f"{self.name} {self.steps}"

    def promised(self, sku):
        """What checkouts and orders hold of a SKU."""
        return sum(
            promise.wanted[sku]
            for promise in self.promises
            if sku in promise.wanted
            and sku not in promise.lost
            and (promise.state == "allocated" or (promise.state == "held" and promise.expires > self.now))
        )

    def available(self, sku):
        extra = sum(limit for (each, _), limit in self.extra.items() if each == sku)
        return self.on_hand[sku] + extra - self.promised(sku)

    def touch(self, skus, *, spare=None):
        """Whoever works on a SKU takes it from reservations whose time is over."""
        for promise in self.promises:
            if promise is not spare and promise.state == "held" and promise.expires <= self.now:
                promise.lost |= set(skus) & set(promise.wanted)

    def promise(self, number):
        return self.promises[number] if number < len(self.promises) else None

    def was_accepted(self, work):
        try:
            self.run(work)
        except DomainError:
            return False
        return True

    @rule(sku=skus, there=warehouses, quantity=few)
    def receive(self, sku, there, quantity):
        sku = self.sku(sku)
        self.run(self.service.receive(sku, there, quantity, reference="", key=self.key()))
        self.touch([sku])
        self.on_hand[sku] += quantity

    @rule(sku=skus, there=warehouses, delta=st.integers(-4, -1))
    def adjust(self, sku, there, delta):
        # Which warehouse holds what is the shop's own business, so the model only follows what was accepted.
        sku = self.sku(sku)
        if self.was_accepted(self.service.adjust(sku, there, delta, reason="broken", key=self.key())):
            self.touch([sku])
            self.on_hand[sku] += delta

    @rule(sku=skus, there=warehouses, counted=st.integers(0, 6))
    def count(self, sku, there, counted):
        sku = self.sku(sku)
        before = self.run(self.lies(sku, there))
        if self.was_accepted(self.service.count(sku, there, counted, reason="stocktake", key=self.key())):
            self.touch([sku])
            self.on_hand[sku] += counted - before

    @rule(sku=skus, ways=st.permutations(WAREHOUSES), quantity=few)
    def transfer(self, sku, ways, quantity):
        sku = self.sku(sku)
        moved = self.service.transfer(sku, quantity, source=ways[0], target=ways[1], key=self.key())
        if self.was_accepted(moved):
            self.touch([sku])

    @rule(sku=skus, there=warehouses, limit=st.integers(0, 2))
    def allow_backorders(self, sku, there, limit):
        sku = self.sku(sku)
        if self.was_accepted(self.service.set_policy(sku, there, Policy(backorder_limit=limit))):
            self.touch([sku])
            self.extra[sku, there] = limit

    @rule(there=warehouses)
    def move_out(self, there):
        """What is promised stays promised, wherever it comes from."""
        self.run(self.of_ours(there))

    @rule(wanted=st.dictionaries(st.sampled_from((*SKUS, "BUNDLE")), st.integers(1, 4), min_size=1))
    def reserve(self, wanted):
        lines, parts = {self.sku(sku): quantity for sku, quantity in wanted.items()}, dict[str, int]()
        for sku, quantity in wanted.items():
            for part, each in (BUNDLE if sku == "BUNDLE" else {sku: 1}).items():
                parts[self.sku(part)] = parts.get(self.sku(part), 0) + quantity * each
        enough = all(self.available(sku) >= quantity for sku, quantity in parts.items())
        key = self.key()
        work = [Wish(*line) for line in lines.items()]
        try:
            held = self.run(self.service.reserve("chk", work, TTL, key))
        except InsufficientStockError as refused:
            lacking = [short.available < short.requested for short in refused.shortages]
            assert not enough and lacking and all(lacking)  # noqa: PT018 - one answer
            return
        assert enough
        assert self.run(self.service.reserve("chk", work, TTL, key)) == held
        self.touch(parts)
        self.promises.append(Promise(held.id, parts, self.now + TTL))

    @rule(number=numbers, longer=st.integers(1, 2 * TTL))
    def extend(self, number, longer):
        promise = self.promise(number)
        if promise is not None:
            accepted = self.was_accepted(self.service.extend(promise.id, longer, self.key()))
            assert accepted == (promise.state == "held" and not promise.lost)
            if accepted:
                self.touch(promise.wanted, spare=promise)
                promise.expires = max(promise.expires, self.now + longer)

    @rule(number=numbers)
    def release(self, number):
        promise = self.promise(number)
        if promise is not None:
            accepted = self.was_accepted(self.service.release(promise.id, "", self.key()))
            assert accepted == (promise.state in ("held", "released"))
            if accepted:
                self.touch(promise.wanted, spare=promise)
                promise.state = "released"

    @rule(number=numbers)
    def allocate(self, number):
        promise = self.promise(number)
        if promise is not None:
            fresh = promise.state == "held" and not promise.lost
            accepted = self.was_accepted(self.service.allocate(promise.id, promise.order, self.key()))
            assert accepted == (fresh or promise.state in ("allocated", "shipped", "cancelled"))
            if fresh:
                self.touch(promise.wanted, spare=promise)
                promise.state = "allocated"

    @rule(number=numbers)
    def cancel(self, number):
        promise = self.promise(number)
        if promise is not None:
            self.run(self.service.release_allocation(promise.order, "", self.key()))
            if promise.state == "allocated":
                self.touch(promise.wanted)
                promise.state = "cancelled"

    @rule(number=numbers)
    def ship(self, number):
        promise = self.promise(number)
        if promise is not None and self.was_accepted(self.ships(promise)):
            assert promise.state == "allocated"
            self.touch(promise.wanted)
            promise.state = "shipped"
            for sku, quantity in promise.wanted.items():
                self.on_hand[sku] -= quantity

    @rule(number=numbers, sku=skus, quantity=few, sellable=st.booleans())
    def take_back(self, number, sku, quantity, sellable):
        promise, sku = self.promise(number), self.sku(sku)
        if promise is not None:
            away = promise.wanted.get(sku, 0) - promise.returned.get(sku, 0) if promise.state == "shipped" else 0
            back = self.service.take_back(promise.order, sku, quantity, key=self.key(), sellable=sellable)
            accepted = self.was_accepted(back)
            assert accepted == (quantity <= away)
            if accepted:
                self.touch([sku])
                promise.returned[sku] = promise.returned.get(sku, 0) + quantity
                self.on_hand[sku] += quantity if sellable else 0

    @rule(seconds=st.integers(10, TTL))
    def wait(self, seconds):
        self.clock.advance(seconds=seconds)
        self.now += seconds

    @rule()
    def sweep(self):
        while self.run(self.service.expire_due()):
            pass
        self.touch(self.on_hand)

    @invariant()
    def agrees(self):
        """The shop tells the same figures as the model."""
        if not hasattr(self, "on_hand"):
            return
        found = self.run(self.standings())
        for sku in self.on_hand:
            levels = [each.level for each in found.get(sku, ())]
            assert sum(level.on_hand for level in levels) == self.on_hand[sku]
            assert sum(level.available for level in levels) == self.available(sku)
            assert all(level.available >= 0 for level in levels)

    def teardown(self):
        """Nothing that happened has brought the books out of balance."""
        if hasattr(self, "on_hand"):
            assert self.run(self.service.verify()) == []
            assert self.run(rebuild(self.database, mend=False)).differing == []

    async def standings(self):
        async with self.database.session() as session:
            return await reading.standings_of_skus(session, list(self.on_hand), self.clock.now())

    async def lies(self, sku, there):
        found = (await self.standings()).get(sku, ())
        return next((each.level.on_hand for each in found if each.level.warehouse_id == there), 0)

    async def of_ours(self, there):
        for sku in self.on_hand:
            await self.service.move_out_of(sku, there, reason="flooded")
        self.touch(self.on_hand)

    async def ships(self, promise):
        async with self.database.transaction() as session:
            lines = [StockLine(sku=sku, quantity=quantity) for sku, quantity in promise.wanted.items()]
            if promise.state != "allocated":
                raise ConflictError("The model knows better.")
            await self.service.ship(session, promise.order, lines)


@pytest.fixture
async def shop(stocked, database):
    await stocked({})
    return database.url


def test_every_history_agrees_with_the_model(shop):
    with asyncio.Runner() as runner:
        StockMachine.runner = runner
        StockMachine.database = Database(shop, schema="inventory")
        try:
            run_state_machine_as_test(
                StockMachine,
                settings=settings(
                    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
                ),
            )
        finally:
            runner.run(StockMachine.database.close())
