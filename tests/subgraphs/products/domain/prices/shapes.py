"""Goods and rules for tests of prices, and strategies that draw them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from kernel.money import Money
from subgraphs.products.domain.prices import (
    EVERYTHING,
    BasketLine,
    BuyGet,
    FixedOff,
    FixedPrice,
    PercentOff,
    PriceSubject,
    Promotion,
    QuantityTiers,
    Selection,
    TotalOff,
    quote,
    running_for,
)
from subgraphs.products.domain.prices.selection import EVERYBODY

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CURRENCIES = ("JPY", "EUR", "KWD")
"""With 0, 2 and 3 decimals."""
CATEGORIES = ("cat_shoes", "cat_shirts")


def subject(number, category=None):
    """Goods number so-and-so, which are shoes and shirts in turn."""
    return PriceSubject(
        product_id=f"prod_{number}", sku=f"SKU-{number}", category_path=(category or CATEGORIES[number % 2],)
    )


def promotion(reward, **changes):
    """A promotion that runs now, on everything."""
    given = {"id": "promo_1", "name": "Summer", "reward": reward, "selection": EVERYTHING}
    window = {"starts_at": NOW - timedelta(days=1), "ends_at": NOW + timedelta(days=1)}
    return Promotion(**given | window | changes)


def line(number, minor, quantity=1, currency="EUR", promotions=()):
    """So many pieces, each at the price that is shown."""
    running = running_for(promotions, EVERYBODY, NOW)
    goods = subject(number)
    return BasketLine(
        sku=goods.sku, subject=goods, quantity=quantity, quote=quote(Money(minor, currency), goods, running, NOW)
    )


percents = st.decimals("0.01", "100", places=2)
amounts = st.builds(lambda *minors: tuple(map(Money, minors, CURRENCIES)), *[st.integers(1, 50_000)] * 3)
selections = st.sampled_from(
    [
        EVERYTHING,
        Selection(category_ids=frozenset({"cat_shoes"})),
        Selection(product_ids=frozenset({"prod_0", "prod_3"})),
        Selection(none_of=(Selection(category_ids=frozenset({"cat_shirts"})),)),
    ]
)
piece_rewards = st.one_of(st.builds(PercentOff, percents), st.builds(FixedOff, amounts), st.builds(FixedPrice, amounts))
basket_rewards = st.one_of(
    st.builds(TotalOff, amounts),
    st.builds(
        BuyGet,
        buy=st.integers(1, 3),
        get=st.integers(1, 2),
        percent=percents,
        gets=st.none() | selections,
        times=st.none() | st.integers(1, 3),
    ),
    st.sampled_from(
        [
            QuantityTiers(((2, Decimal(5)), (5, Decimal("12.5")))),
            QuantityTiers(((3, Decimal(10)), (6, Decimal(20)), (12, Decimal(100)))),
        ]
    ),
)
promotions = st.lists(
    st.builds(
        promotion,
        st.one_of(piece_rewards, basket_rewards),
        id=st.from_regex(r"promo_[a-z]{3}", fullmatch=True),
        selection=selections,
        priority=st.integers(0, 2),
        stackable=st.booleans(),
        minimum_quantity=st.none() | st.integers(1, 4),
    ),
    max_size=6,
    unique_by=lambda each: each.id,
)
goods = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 100_000), st.integers(1, 12)),
    min_size=1,
    max_size=6,
    unique_by=lambda each: each[0],
)
currencies = st.sampled_from(CURRENCIES)
