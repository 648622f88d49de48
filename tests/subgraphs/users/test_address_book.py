"""Address books, each open to its owner only."""

from __future__ import annotations

import asyncio

import pytest

from kernel.identity import ANONYMOUS, Caller

HOME = {"name": "Ada", "line1": "1 Main St", "city": "London", "postalCode": "N1 7AA", "country": "GB"}
FIELDS = "{ address { id line1 phone isDefaultShipping isDefaultBilling } errors { __typename code path } }"
CREATE = f"mutation($input: UserAddressInput!) {{ userAddressCreate(input: $input) {FIELDS} }}"
UPDATE = f"mutation($id: ID!, $input: UserAddressUpdateInput!) {{ userAddressUpdate(id: $id, input: $input) {FIELDS} }}"
DELETE = f"mutation($id: ID!) {{ userAddressDelete(id: $id) {FIELDS} }}"
BOOK = "{ me { addresses { id line1 country isDefaultShipping isDefaultBilling } } }"


async def add(world, caller, **fields):
    payload = (await world.ask(CREATE, caller, input={**HOME, **fields}))["userAddressCreate"]
    assert payload["errors"] == []
    return payload["address"]["id"]


async def book(world, caller):
    return (await world.ask(BOOK, caller))["me"]["addresses"]


async def test_an_address_is_added_changed_and_removed(world):
    ada = await world.register()
    address = await add(world, ada, phone="+44 20 1234")

    changed = await world.ask(UPDATE, ada, id=address, input={"line1": "2 Side St", "phone": None})
    removed = await world.ask(DELETE, ada, id=address)

    assert changed["userAddressUpdate"]["address"]["line1"] == "2 Side St"
    assert changed["userAddressUpdate"]["address"]["phone"] is None
    assert removed["userAddressDelete"]["address"]["id"] == address
    assert await book(world, ada) == []


async def test_there_is_one_default_of_each_kind(world):
    ada = await world.register()
    first = await add(world, ada, isDefaultShipping=True, isDefaultBilling=True)
    second = await add(world, ada, isDefaultShipping=True)
    await world.ask(UPDATE, ada, id=second, input={"isDefaultBilling": True})

    defaults = {each["id"]: (each["isDefaultShipping"], each["isDefaultBilling"]) for each in await book(world, ada)}

    assert defaults == {first: (False, False), second: (True, True)}


async def test_defaults_claimed_at_once_leave_one(world):
    ada = await world.register()

    await asyncio.gather(*(add(world, ada, isDefaultShipping=True) for _ in range(8)))

    assert [each["isDefaultShipping"] for each in await book(world, ada)].count(True) == 1


async def test_a_full_book_takes_no_more_even_at_once(world):
    ada = await world.register()
    for _ in range(48):
        await add(world, ada)

    payloads = await asyncio.gather(*(world.ask(CREATE, ada, input=HOME) for _ in range(6)))

    codes = [error["code"] for each in payloads for error in each["userAddressCreate"]["errors"]]
    assert codes == ["INVALID_INPUT"] * 4
    assert len(await book(world, ada)) == 50


@pytest.mark.parametrize(("field", "value"), [("country", "Great Britain"), ("line1", ""), ("postalCode", "x" * 30)])
async def test_a_wrong_address_is_refused_by_its_field(world, field, value):
    ada = await world.register()

    payload = (await world.ask(CREATE, ada, input={**HOME, field: value}))["userAddressCreate"]

    assert payload["address"] is None
    assert [error["path"] for error in payload["errors"]] == [["input", field]]


@pytest.mark.parametrize(
    ("country", "changed", "path"),
    [
        ("GB", {"postalCode": "12345"}, "postalCode"),
        ("DE", {"postalCode": "1011"}, "postalCode"),
        ("US", {"postalCode": "97214"}, "region"),
        ("US", {"postalCode": "97214", "region": "XX"}, "region"),
        ("XX", {}, "country"),
        ("IE", {"postalCode": ""}, None),
        ("US", {"postalCode": "97214", "region": "OR"}, None),
        ("NL", {"postalCode": "3512 JC"}, None),
    ],
)
async def test_an_address_is_written_as_its_country_wants_it(world, country, changed, path):
    ada = await world.register()

    payload = (await world.ask(CREATE, ada, input={**HOME, "country": country, **changed}))["userAddressCreate"]

    assert [error["path"] for error in payload["errors"]] == ([["input", path]] if path else [])


async def test_what_an_address_needs_cannot_be_cleared(world):
    ada = await world.register()
    address = await add(world, ada)

    payload = (await world.ask(UPDATE, ada, id=address, input={"city": None}))["userAddressUpdate"]

    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("INVALID_INPUT", ["input", "city"])]


@pytest.mark.parametrize("kind", ["customer", "staff", "admin"])
async def test_nobody_reaches_into_the_book_of_somebody_else(world, kind):
    ada, eve = await world.register(), await world.register()
    eve = Caller(id=eve.id, kind=kind)
    address = await add(world, ada)

    changed = (await world.ask(UPDATE, eve, id=address, input={"line1": "Elsewhere"}))["userAddressUpdate"]
    removed = (await world.ask(DELETE, eve, id=address))["userAddressDelete"]

    for payload in (changed, removed):
        assert payload["address"] is None
        assert [(e["__typename"], e["code"]) for e in payload["errors"]] == [("NotFoundError", "NOT_FOUND")]
    assert [each["line1"] for each in await book(world, ada)] == ["1 Main St"]


async def test_a_book_needs_an_owner(world):
    for document, variables in (
        (CREATE, {"input": HOME}),
        (UPDATE, {"id": "adr_1", "input": {"city": "Rome"}}),
        (DELETE, {"id": "adr_1"}),
    ):
        assert await world.refused(document, ANONYMOUS, **variables) == ["UNAUTHENTICATED"]
    nobody = Caller(id="usr_gone", kind="customer")
    assert (await world.ask(CREATE, nobody, input=HOME))["userAddressCreate"]["errors"][0]["code"] == "NOT_FOUND"
