"""Random histories of all commands, compared step by step with a model of a few dictionaries."""

from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.errors import ConflictError, DomainError, NotFoundError
from kernel.events.catalogue import StockLine
from kernel.testing import FixedClock
from subgraphs.inventory.domain.errors import InsufficientStockError
from subgraphs.inventory.domain.reservations import Wish
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.storage import reading

SKUS = ("A", "B")
WAREHOUSES = ("wh_near", "wh_far")
TTL = 100

quantities = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), min_size=1)
numbers = st.integers(0, 5)
commands = st.one_of(
    st.tuples(st.just("receive"), st.sampled_from(SKUS), st.sampled_from(WAREHOUSES), st.integers(1, 5)),
    st.tuples(st.just("adjust"), st.sampled_from(SKUS), st.sampled_from(WAREHOUSES), st.integers(-4, -1)),
    st.tuples(st.just("reserve"), quantities),
    st.tuples(st.just("reserve"), quantities),
    st.tuples(st.just("release"), numbers),
    st.tuples(st.just("allocate"), numbers),
    st.tuples(st.just("allocate"), numbers),
    st.tuples(st.just("cancel"), numbers),
    st.tuples(st.just("ship"), numbers),
    st.tuples(st.just("wait"), st.integers(10, TTL)),
    st.tuples(st.just("sweep")),
)


@dataclass
class Promise:
    """A reservation of the model; the lines that others took after its time are gone from it."""

    id: str
    wanted: dict[str, int]
    expires: int
    lost: set[str] = field(default_factory=set)
    state: str = "held"


@dataclass
class Model:
    """Stock as one person would count it, over all warehouses together."""

    name: str
    promises: list[Promise] = field(default_factory=list)
    now: int = 0

    def __post_init__(self):
        self.on_hand = {self.sku(each): 0 for each in SKUS}

    def sku(self, letter):
        return f"{letter} {self.name}"

    def promised(self, sku, *, also_expired):
        """What checkouts and orders hold of a SKU."""
        total = 0
        for promise in self.promises:
            if sku in promise.wanted and sku not in promise.lost:
                live = promise.state == "allocated" or (
                    promise.state == "held" and (also_expired or promise.expires > self.now)
                )
                total += promise.wanted[sku] if live else 0
        return total

    def available(self, sku):
        return self.on_hand[sku] - self.promised(sku, also_expired=False)

    def touch(self, skus, *, spare=None):
        """Whoever locks a SKU takes it from reservations whose time is over."""
        for promise in self.promises:
            if promise is not spare and promise.state == "held" and promise.expires <= self.now:
                promise.lost |= skus & set(promise.wanted)


async def run(service, model, clock, step, number):
    """Do one command on both and compare whether it was refused."""
    kind, *rest = step
    key = f"{kind} {number}"
    if kind == "receive":
        sku, warehouse, quantity = model.sku(rest[0]), *rest[1:]
        await service.receive(sku, warehouse, quantity, reference="", key=key)
        model.touch({sku})
        model.on_hand[sku] += quantity
    elif kind == "adjust":
        await adjust(service, model, key, model.sku(rest[0]), *rest[1:])
    elif kind == "reserve":
        await reserve(service, model, key, {model.sku(sku): quantity for sku, quantity in rest[0].items()})
    elif kind == "wait":
        clock.advance(seconds=rest[0])
        model.now += rest[0]
    elif kind == "sweep":
        await service.expire_due()
        model.touch(set(model.on_hand))
    elif len(model.promises) > rest[0]:
        await settle(service, model, key, kind, model.promises[rest[0]])


async def adjust(service, model, key, sku, warehouse, delta):
    # Which warehouse holds what is the shop's own business, so the model only follows what was accepted.
    try:
        await service.adjust(sku, warehouse, delta, reason="counted", key=key)
    except (ConflictError, NotFoundError):
        return
    model.touch({sku})
    model.on_hand[sku] += delta


async def reserve(service, model, key, wanted):
    enough = all(model.available(sku) >= quantity for sku, quantity in wanted.items())
    try:
        held = await service.reserve(f"chk {key}", [Wish(*line) for line in wanted.items()], TTL, key)
    except InsufficientStockError as refused:
        assert not enough
        for short in refused.shortages:
            assert short.available == model.available(short.sku) < short.requested
        return
    assert enough
    model.touch(set(wanted))
    model.promises.append(Promise(held.id, wanted, model.now + TTL))


async def settle(service, model, key, kind, promise):
    order, skus = f"ord of {promise.id}", set(promise.wanted)
    legal = {
        "release": promise.state in ("held", "released"),
        "allocate": promise.state in ("allocated", "shipped", "cancelled")
        or (promise.state == "held" and not promise.lost),
        "cancel": True,
        "ship": promise.state == "allocated",
    }[kind]
    try:
        if kind == "release":
            await service.release(promise.id, "", key)
        elif kind == "allocate":
            await service.allocate(promise.id, order, key)
        elif kind == "cancel":
            await service.release_allocation(order, "", key)
        else:
            async with service.database.transaction() as session:
                lines = [StockLine(sku=sku, quantity=quantity) for sku, quantity in promise.wanted.items()]
                await service.ship(session, order, lines)
    except DomainError:
        assert not legal
        return
    assert legal
    follow(model, kind, promise, skus)


def follow(model, kind, promise, skus):
    """Let the model do what the shop accepted."""
    if kind == "release":
        model.touch(skus, spare=promise)
        promise.state = "released"
    elif kind == "allocate" and promise.state == "held":
        model.touch(skus, spare=promise)
        promise.state = "allocated"
    elif kind in ("cancel", "ship") and promise.state in ("allocated", "shipped", "cancelled"):
        model.touch(skus)
        if promise.state == "allocated":
            promise.state = "shipped" if kind == "ship" else "cancelled"
            for sku, quantity in promise.wanted.items():
                model.on_hand[sku] -= quantity if kind == "ship" else 0


async def compare(service, model):
    async with service.database.session() as session:
        found = await reading.standings_of_skus(session, model.on_hand, service.clock.now())
    for sku in model.on_hand:
        levels = [each.level for each in found.get(sku, ())]
        assert sum(level.on_hand for level in levels) == model.on_hand[sku]
        assert sum(level.available for level in levels) == model.available(sku)
        assert all(level.available >= 0 for level in levels)


@pytest.fixture
async def shop(stocked, database):
    await stocked({})
    return database


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(commands, min_size=8, max_size=30))
async def test_every_history_agrees_with_the_model(shop, steps):
    """Each history plays in SKUs of its own, so that one database serves them all."""
    clock, name = FixedClock(), uuid4().hex
    service, model = InventoryService(shop, clock), Model(name)
    for number, step in enumerate(steps):
        await run(service, model, clock, step, f"{name} {number}")
        await compare(service, model)
    assert await service.verify() == []
