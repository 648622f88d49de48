"""Personal columns: sealed at rest, found by blind indexes, taken over from earlier versions, re-keyed, shredded."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from kernel.sealing import KeyRing, UnsealError
from kernel.secrets import FileSecrets
from subgraphs.users.app import personal_keys
from subgraphs.users.service.passwords import hash_password
from subgraphs.users.storage.bulk import seal_older_rows

ADDRESS = """mutation { userAddressCreate(input: {
  name: "Ada Lovelace", line1: "12 St James Square", city: "London", postalCode: "SW1Y 4JH", country: "GB"
}) { errors { code } } }"""
TABLES = ("users", "addresses", "session_families", "factors", "payment_methods")


async def everything(world):
    return "".join([str(await world.rows(f"SELECT t::text FROM {table} AS t")) for table in TABLES])


async def test_nothing_that_identifies_a_person_lies_in_the_clear(world):
    ada = await world.register("ada@example.com")
    await world.ask('mutation { userUpdate(input: {phone: "+44 20 7946 0000"}) { errors { code } } }', ada)
    await world.ask(ADDRESS, ada)

    stored = await everything(world)

    # Sealed columns come out as hexadecimal digits: what is looked for must not turn up there by chance.
    for each in ("ada@", "Lovelace", "lovelace", "20 7946", "2079460000", "James", "London"):
        assert each not in stored
        assert each.encode().hex() not in stored


async def test_accounts_of_an_earlier_version_are_sealed_once_and_work_on(world):
    async with world.subgraph.database.transaction() as session:
        for n in range(3):
            await session.execute(
                text(
                    "INSERT INTO users (id, email, name, phone, roles, created_at, updated_at)"
                    " VALUES (:id, :email, 'Old Hand', '+49 30 1', '{customer}', now(), now())"
                ),
                {"id": f"usr_{n}", "email": f"old{n}@example.com"},
            )
            await session.execute(
                text("INSERT INTO credentials VALUES (:id, :hash, now())"),
                {"id": f"usr_{n}", "hash": hash_password("an old password", rounds=4)},
            )
        await session.execute(
            text(
                "INSERT INTO addresses (id, user_id, name, line1, line2, city, region, postal_code, country,"
                " is_default_shipping, is_default_billing)"
                " VALUES ('adr_1', 'usr_1', 'Old Hand', '1 St', '', 'Rome', '', '00100', 'IT', true, true)"
            )
        )

    keys = personal_keys(world.settings)
    assert await seal_older_rows(world.settings.database_url, keys) == 3
    assert await seal_older_rows(world.settings.database_url, keys) == 0

    assert (await world.log_in("old1@example.com", "an old password"))["errors"] == []
    [account] = (await world.service.accounts.by_id(["usr_1"])).values()
    assert (account.email, account.name, account.phone) == ("old1@example.com", "Old Hand", "+49 30 1")
    [[address]] = (await world.service.address_book.of_users(["usr_1"])).values()
    assert (address.postal.city, address.postal.country) == ("Rome", "IT")
    assert "Old Hand" not in await everything(world)


async def test_data_keys_are_taken_over_by_a_new_key_of_the_ring(world):
    for n in range(3):
        await world.register(f"user{n}x@example.com")
    ring = KeyRing(FileSecrets(world.settings.data_dir / "keys"))
    old = ring.newest

    new = ring.rotate()
    rewrap = next(job for job in world.subgraph.jobs if job.name == "users.rewrap-keys")

    assert await rewrap.run() == 3
    assert await rewrap.run() == 0
    kept = await world.rows("SELECT data_key FROM users")
    assert {bytes(row["data_key"]).partition(b".")[0].decode() for row in kept} == {new} != {old}
    ring.forget_all_but_newest()
    assert (await world.log_in("user1x@example.com"))["errors"] == []


async def test_without_their_data_key_nobody_can_be_read(world):
    ada = await world.register("ada@example.com")
    eve = await world.register("eve@example.com")
    async with world.subgraph.database.transaction() as session:
        await session.execute(
            text("UPDATE users SET data_key = (SELECT data_key FROM users WHERE id = :eve) WHERE id = :ada"),
            {"eve": eve.id, "ada": ada.id},
        )

    with pytest.raises(UnsealError):
        await world.service.accounts.by_id([ada.id])
