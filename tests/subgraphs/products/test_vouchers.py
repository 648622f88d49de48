"""Vouchers: worth, limits that hold under races, and refusals that say why."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from kernel.database import Database
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.money import Money
from subgraphs.products.domain.pricing import FixedOff, PercentOff
from subgraphs.products.domain.vouchers import Voucher, VoucherRefusedError, normal_code
from subgraphs.products.service import vouchers as service

GOODS = Money(4999, "EUR")
ADA = service.Purchase(GOODS, "usr_1", "ada@example.com")


@pytest.fixture
async def database(make_database):
    async with Database(await make_database("products"), schema="products") as database:
        yield database


@pytest.fixture
def make(database, clock):
    async def make(code="TEN", **changes):
        given = {"reward": PercentOff(Decimal(10)), "starts_at": clock.now() - timedelta(days=1), **changes}
        voucher = Voucher(code=code, name="A gift", **given)
        await service.create(database, voucher)
        return voucher

    return make


async def worth(database, clock, code="TEN", purchase=ADA):
    return (await service.evaluate(database, clock, code, purchase))[1]


async def refusal(work):
    with pytest.raises(VoucherRefusedError) as refused:
        await work
    return refused.value.code


@pytest.mark.parametrize(
    ("reward", "goods", "discount"),
    [
        (PercentOff(Decimal(10)), GOODS, Money(500, "EUR")),
        (PercentOff(Decimal(100)), GOODS, GOODS),
        (PercentOff(Decimal("33.33")), Money(1001, "JPY"), Money(334, "JPY")),
        (PercentOff(Decimal(10)), Money(12345, "KWD"), Money(1234, "KWD")),
        (FixedOff((Money(500, "EUR"), Money(600, "USD"))), Money(700, "USD"), Money(600, "USD")),
        (FixedOff((Money(9999, "EUR"),)), GOODS, GOODS),
    ],
)
async def test_a_voucher_takes_off_what_it_says_and_never_more_than_the_goods(
    database, clock, make, reward, goods, discount
):
    await make(reward=reward)
    assert await worth(database, clock, purchase=service.Purchase(goods, "usr_1", "")) == discount


async def test_a_code_counts_however_it_is_typed(database, clock, make):
    await make(code="SUMMER-26")
    assert await worth(database, clock, "  summer-26 ") == Money(500, "EUR")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"starts_at": timedelta(seconds=1)}, "VOUCHER_NOT_STARTED"),
        ({"ends_at": timedelta()}, "VOUCHER_EXPIRED"),
        ({"minimum": Money(5000, "EUR")}, "VOUCHER_MINIMUM"),
        ({"reward": FixedOff((Money(500, "USD"),))}, "VOUCHER_CURRENCY"),
    ],
)
async def test_one_that_does_not_count_says_why(database, clock, make, changes, code):
    await make(**{name: clock.now() + each if isinstance(each, timedelta) else each for name, each in changes.items()})
    assert await refusal(worth(database, clock)) == code


@pytest.mark.parametrize("code", ["NOBODY", "", "x", "'; DROP TABLE vouchers", "A" * 41])
async def test_a_code_that_nobody_gave_out_is_unknown(database, clock, code):
    assert await refusal(worth(database, clock, code)) == "VOUCHER_UNKNOWN"


async def test_uses_are_counted_exactly_by_racing_orders(database, clock, make):
    await make(usage_limit=3)
    uses = (
        service.redeem(database, clock, "TEN", f"ord_{at}", service.Purchase(GOODS, f"usr_{at}", ""))
        for at in range(10)
    )
    outcomes = await asyncio.gather(*uses, return_exceptions=True)
    assert outcomes.count(None) == 3
    assert {each.code for each in outcomes if each} == {"VOUCHER_USED_UP"}


async def test_a_buyer_uses_it_as_often_as_a_buyer_may(database, clock, make):
    await make(buyer_limit=1)
    await service.redeem(database, clock, "TEN", "ord_1", ADA)
    assert await refusal(worth(database, clock)) == "VOUCHER_USED_UP"
    guest = service.Purchase(GOODS, None, "Grace@Example.com")
    await service.redeem(database, clock, "TEN", "ord_2", guest)
    again = service.Purchase(GOODS, None, " grace@example.com ")
    assert await refusal(service.redeem(database, clock, "TEN", "ord_3", again)) == "VOUCHER_USED_UP"


async def test_the_same_order_uses_it_once_and_can_give_it_back(database, clock, make):
    await make(usage_limit=1)
    for _ in range(2):
        await service.redeem(database, clock, "TEN", "ord_1", ADA)
    await service.release(database, "ord_1")
    await service.release(database, "ord_1")
    assert await worth(database, clock) == Money(500, "EUR")


async def test_one_that_was_ended_counts_no_longer(database, clock, make):
    await make()
    ended = await service.end(database, clock, "ten")
    assert ended.ends_at == clock.now()
    assert await refusal(worth(database, clock)) == "VOUCHER_EXPIRED"
    with pytest.raises(NotFoundError):
        await service.end(database, clock, "OTHER")


async def test_a_code_is_given_out_once(make):
    await make()
    with pytest.raises(ConflictError) as refused:
        await make()
    assert refused.value.code == "ALREADY_EXISTS"


@pytest.mark.parametrize("limits", [{"usage_limit": 0}, {"buyer_limit": -1}])
async def test_a_limit_is_at_least_one(make, limits):
    with pytest.raises(InvalidInputError):
        await make(**limits)


def test_a_code_is_stored_in_one_spelling():
    assert normal_code(" abc-1 ") == "ABC-1"
