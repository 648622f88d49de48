"""The demo shop is deterministic, as large as promised, believable in time, and consistent in itself."""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean

import pytest

from kernel.ids import is_id
from runtime.demo_data.history import Fate
from runtime.demo_data.people import demo_users
from runtime.demo_data.world import World, make_world
from subgraphs.inventory.domain.stock import EFFECTS, MovementType
from subgraphs.orders.domain.status import ORDER, OrderStatus
from subgraphs.products.domain.attributes import check_attributes, check_definition
from subgraphs.products.domain.slugs import check_slug
from subgraphs.products.domain.text import clean_html

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(NOW)


def test_the_same_seed_and_day_make_the_same_shop(world: World):
    assert make_world(NOW + timedelta(hours=5)) == world
    other = make_world(NOW, seed=1)
    assert [item.row.name for item in other.catalogue.items] != [item.row.name for item in world.catalogue.items]


def test_it_is_as_large_as_promised(world: World):
    made = world.catalogue
    assert len(made.categories) >= 30
    assert max(len(category.path) for category in made.categories) == 3
    assert len(made.items) == 500
    assert sum(len(item.variants) for item in made.items) >= 1500
    assert {price.currency for price in made.prices} == {"EUR", "USD"}
    assert len(made.prices) == 2 * sum(len(item.variants) for item in made.items)
    assert len(world.stock.warehouses) == 3
    assert len(world.customers) == 200
    assert len(world.orders) == 5000
    assert [user.email for user in demo_users()] == ["customer@example.com", "staff@example.com", "admin@example.com"]


def test_names_and_keys_are_unique(world: World):
    made = world.catalogue
    for keys in (
        [category.slug for category in made.categories],
        [item.row.slug for item in made.items],
        [variant.sku for item in made.items for variant in item.variants],
        [customer.user.email for customer in world.customers] + [user.email for user in world.staff],
        [order.number for order in world.orders],
        [collection.slug for collection in made.collections],
    ):
        assert len(set(keys)) == len(keys)


def test_products_keep_the_catalogues_own_rules(world: World):
    types = {each.id: each for each in world.catalogue.types}
    for each in types.values():
        for definition in each.attributes:
            check_definition(definition)
    for item in world.catalogue.items:
        definitions = types[item.row.type_id].attributes
        assert check_attributes(definitions, item.row.attributes, for_variant=False) == item.row.attributes
        assert check_slug(item.row.slug)
        assert clean_html(item.row.description) == item.row.description
        assert is_id("prod", item.row.id)
        for variant in item.variants:
            assert check_attributes(definitions, variant.attributes, for_variant=True) == variant.attributes
            assert re.fullmatch(r"[A-Z0-9-]{3,40}", variant.sku)


def test_ids_are_born_when_their_thing_is(world: World):
    ids = [order.id for order in world.orders]
    assert [each[:16] for each in ids] == sorted(each[:16] for each in ids)
    assert int(ids[0].removeprefix("ord_")[:12], 16) == int(world.orders[0].placed_at.timestamp() * 1000)


def test_orders_span_two_years_and_end_before_today(world: World):
    times = [order.placed_at for order in world.orders]
    assert times == sorted(times)
    assert NOW - timedelta(days=731) < times[0] < NOW - timedelta(days=720)
    assert NOW - timedelta(days=10) < times[-1] < NOW - timedelta(days=2)
    for order in world.orders:
        told = [order.placed_at, order.shipped_at, order.delivered_at, order.ended_at]
        known = [at for at in told if at is not None]
        assert known == sorted(known)
        assert known[-1] < NOW
        assert all(line.item.launched_at <= order.placed_at for line in order.lines)


def test_the_shop_grows_and_has_seasons(world: World):
    months = Counter((order.placed_at.year, order.placed_at.month) for order in world.orders)
    assert months[2025, 12] > 1.5 * months[2026, 2]
    assert sum(months[2025, m] for m in (9, 10, 11, 12)) > 1.2 * sum(months[2024, m] for m in (9, 10, 11, 12))
    shelves = Counter((line.item.shelf.name, order.placed_at.month) for order in world.orders for line in order.lines)
    assert sum(shelves["Tents", m] for m in (5, 6, 7)) > 2 * sum(shelves["Tents", m] for m in (11, 12, 1))
    assert sum(shelves["Knitwear", m] for m in (10, 11, 12)) > 2 * sum(shelves["Knitwear", m] for m in (5, 6, 7))


def test_what_belongs_together_is_bought_together_far_more_than_by_chance(world: World):
    orders_with: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for order in world.orders:
        products = sorted({line.item.row.id for line in order.lines})
        orders_with.update(products)
        pairs.update((one, other) for at, one in enumerate(products) for other in products[at + 1 :])
    lifts = [
        count * len(world.orders) / (orders_with[one] * orders_with[other])
        for (one, other), count in pairs.most_common(100)
    ]
    assert mean(lifts) > 10
    assert pairs.most_common(100)[-1][1] >= 4


def test_the_stock_ledger_never_goes_below_zero_and_every_sale_is_in_it(world: World):
    on_hand: Counter[tuple[str, str]] = Counter()
    promised: Counter[tuple[str, str]] = Counter()
    moved: Counter[MovementType] = Counter()
    for movement in world.stock.movements:
        stream = (movement.sku, movement.warehouse_id)
        effect = EFFECTS[movement.type]
        moved[movement.type] += movement.quantity
        on_hand[stream] += effect.on_hand * movement.quantity
        promised[stream] += (effect.reserved + effect.allocated) * movement.quantity
        assert 0 <= promised[stream] <= on_hand[stream]
    assert not any(promised.values())
    sold = sum(line.quantity for order in world.orders for line in order.lines)
    assert moved[MovementType.ALLOCATED] == sold
    assert moved[MovementType.SHIPPED] + moved[MovementType.DEALLOCATED] == sold
    available: Counter[str] = Counter()
    for (sku, _), quantity in on_hand.items():
        available[sku] += quantity
    assert sum(quantity > 0 for quantity in available.values()) > 0.95 * len(available)


def test_orders_add_up_and_are_paid_and_refunded_in_full(world: World):
    records = world.records
    lines = defaultdict(list)
    for line in records.lines:
        lines[line.order_id].append(line)
    paid = {payment.order_id: payment for payment in records.payments}
    for order in records.orders:
        own = lines[order.id]
        assert sum(line.net_minor for line in own) == order.subtotal_net_minor
        assert sum(line.tax_minor for line in own) == order.subtotal_tax_minor
        assert order.total_minor == (
            order.subtotal_net_minor + order.subtotal_tax_minor + order.shipping_net_minor + order.shipping_tax_minor
        )
        payment = paid[order.id]
        assert (payment.amount_minor, payment.currency) == (order.total_minor, order.currency)
        assert payment.refunded_minor == (order.total_minor if order.status == OrderStatus.REFUNDED else 0)
    assert len(paid) == len(records.orders)


def test_each_timeline_is_a_legal_life_that_ends_as_the_order_does(world: World):
    lives = defaultdict(list)
    for entry in world.records.timeline:
        lives[entry.order_id].append(entry)
    for order in world.records.orders:
        life = lives[order.id]
        for before, after in pairwise(life):
            assert ORDER.allowed(OrderStatus(before.to_status), OrderStatus(after.to_status))
            assert after.from_status == before.to_status
            assert before.at <= after.at
        assert life[-1].to_status == order.status


def test_every_order_that_left_has_parcels_with_all_of_its_lines(world: World):
    parcels = defaultdict(Counter)
    for shipment in world.records.shipments:
        for sku, quantity in shipment.lines:
            parcels[shipment.order_id][sku] += quantity
    for order in world.orders:
        expected = Counter()
        if order.fate is not Fate.CANCELLED:
            for line in order.lines:
                expected[line.variant.sku] += line.quantity
        assert parcels[order.id] == expected
    warehouses = {each.id for each in world.stock.warehouses}
    assert {shipment.warehouse_id for shipment in world.records.shipments} == warehouses


def test_all_fates_happen(world: World):
    fates = Counter(order.fate for order in world.orders)
    assert set(fates) == set(Fate)
    assert fates[Fate.DELIVERED] > 4000


def test_the_customer_whom_a_person_plays_has_a_history(world: World):
    me = world.customers[0]
    mine = [order for order in world.orders if order.customer_id == me.user.id]
    assert 4 <= len(mine) <= 40


def test_analytics_knows_every_order_and_more_is_looked_at_than_bought(world: World):
    facts, records = world.facts, world.records
    assert [(fact.order_id, fact.total_minor) for fact in facts.sales] == [
        (order.id, order.total_minor) for order in records.orders
    ]
    assert sum(fact.amount_minor for fact in facts.refunds) == sum(each.refunded_minor for each in records.payments)
    assert len(records.orders) < len(facts.checkouts) < 2 * len(records.orders)
    watched = [order for order in world.orders if order.placed_at > NOW - timedelta(days=89)]
    assert len({view.visitor for view in facts.views}) > 3 * len(watched)
    assert len({view.event_id for view in facts.views}) == len(facts.views)
    assert {search.found > 0 for search in facts.searches} == {True, False}
