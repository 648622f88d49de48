from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, insert, select

from kernel.database import Database
from kernel.errors import InvalidInputError
from kernel.pagination import Page, Slice, SortKey, apply_page, decode_cursor, encode_cursor, slice_rows

ITEMS = Table("items", MetaData(), Column("id", Integer), Column("name", Text), Column("at", DateTime(timezone=True)))
BY_ID = (SortKey("id", ITEMS.c.id, int),)
ORDERS = {
    "id": BY_ID,
    "name": (SortKey("name", ITEMS.c.name, str), SortKey("id", ITEMS.c.id, int)),
    "newest": (SortKey("at", ITEMS.c.at, datetime, descending=True), SortKey("id", ITEMS.c.id, int, descending=True)),
    "mixed": (SortKey("name", ITEMS.c.name, str, descending=True), SortKey("id", ITEMS.c.id, int)),
}


@given(st.text(), st.integers(), st.datetimes(timezones=st.just(UTC)))
def test_a_cursor_gives_back_its_values(name: str, number: int, at: datetime):
    keys = (SortKey("a", ITEMS.c.name, str), SortKey("b", ITEMS.c.id, int), SortKey("c", ITEMS.c.at, datetime))
    cursor = encode_cursor((name, number, at), keys)
    assert decode_cursor(cursor, keys) == (name, number, at)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text() | st.binary().map(lambda raw: encode_cursor(["x" + raw.hex()], BY_ID)))
def test_any_other_text_is_refused(text: str):
    with pytest.raises(InvalidInputError):
        decode_cursor(text, BY_ID)


def test_a_cursor_of_another_order_is_refused():
    cursor = encode_cursor((1,), BY_ID)
    for keys in ((SortKey("id", ITEMS.c.id, int, descending=True),), ORDERS["name"]):
        with pytest.raises(InvalidInputError, match="another order"):
            decode_cursor(cursor, keys)


@pytest.mark.parametrize("wrong", [{"first": -1}, {"first": 101}, {"last": 101}, {"first": 1, "last": 1}])
def test_a_page_has_bounds(wrong: dict):
    with pytest.raises(InvalidInputError):
        Page(**wrong)


def test_a_page_is_twenty_unless_told():
    assert Page().size == 20
    assert Page(first=0).size == 0
    assert Page(last=7).size == 7


def test_a_slice_maps_its_items_and_keeps_its_cursors():
    page = Slice((1, 2), ("a", "b"), has_next=True, has_previous=False)
    assert page.map(str) == Slice(("1", "2"), ("a", "b"), has_next=True, has_previous=False)


@pytest.fixture(scope="module")
async def items(postgres):
    async with Database(await postgres.database(), schema="public") as database:
        async with database.transaction() as session:
            await session.run_sync(lambda sync: ITEMS.create(sync.connection()))
            rows = [{"id": n, "name": f"n{n % 4}", "at": datetime(2026, 1, 1 + n % 5, tzinfo=UTC)} for n in range(23)]
            await session.execute(insert(ITEMS).values(rows))
        yield database


async def _take(database: Database, page: Page, order: str) -> Slice:
    keys = ORDERS[order]
    async with database.session() as session:
        rows = (await session.execute(apply_page(select(ITEMS), page, keys))).all()
    return slice_rows(rows, page, keys, lambda row: [getattr(row, key.name) for key in keys])


async def _all(database: Database, order: str) -> list[int]:
    whole = await _take(database, Page(first=100), order)
    assert not whole.has_next
    assert not whole.has_previous
    return [row.id for row in whole.items]


@pytest.mark.parametrize("order", sorted(ORDERS))
@pytest.mark.parametrize("size", [1, 5, 23])
async def test_walking_forwards_and_backwards_meets_every_row_once(items: Database, order: str, size: int):
    expected = await _all(items, order)

    forwards: list[int] = []
    page = await _take(items, Page(first=size), order)
    while True:
        forwards += [row.id for row in page.items]
        if not page.has_next:
            break
        page = await _take(items, Page(first=size, after=page.cursors[-1]), order)
        assert page.has_previous
    assert forwards == expected

    backwards: list[int] = []
    page = await _take(items, Page(last=size), order)
    while True:
        backwards = [row.id for row in page.items] + backwards
        if not page.has_previous:
            break
        page = await _take(items, Page(last=size, before=page.cursors[0]), order)
        assert page.has_next
    assert backwards == expected


async def test_between_two_cursors(items: Database):
    whole = await _take(items, Page(first=100), "id")
    between = await _take(items, Page(first=100, after=whole.cursors[3], before=whole.cursors[8]), "id")
    assert [row.id for row in between.items] == [4, 5, 6, 7]
    assert (await _take(items, Page(first=0), "id")).items == ()
