"""Accounts: opened, changed, looked at and searched, by whom it may be."""

from __future__ import annotations

from kernel.identity import Caller

STAFF = Caller(id="usr_staff", kind="staff", roles=frozenset({"staff"}))

REGISTER = """
mutation($input: UserRegisterInput!) {
  userRegister(input: $input) { user { id email name roles } errors { __typename code message path } }
}"""
ME = "{ me { id email name phone language roles createdAt addresses { id } } }"
UPDATE = """
mutation($input: UserUpdateInput!) {
  userUpdate(input: $input) { user { name phone language } errors { code path } }
}"""


async def test_registering_opens_a_customer_account_and_tells_of_it_once(world):
    data = await world.ask(
        REGISTER, input={"email": " Ada@Example.COM ", "password": "correct horse", "name": "Ada  Lovelace"}
    )

    user = data["userRegister"]["user"]
    assert (user["email"], user["name"], user["roles"]) == ("ada@example.com", "Ada Lovelace", ["CUSTOMER"])
    [told] = await world.rows("SELECT type, subject, event -> 'data' AS data FROM outbox")
    assert (told["type"], told["subject"]) == ("UserRegistered", user["id"])
    assert told["data"]["email"] == "ada@example.com"


async def test_an_address_opens_one_account_however_it_is_written(world):
    await world.register("bob@example.com")

    data = await world.ask(REGISTER, input={"email": "BOB@example.com", "password": "correct horse", "name": "Bob"})

    assert data["userRegister"]["user"] is None
    [error] = data["userRegister"]["errors"]
    assert (error["__typename"], error["code"], error["path"]) == ("ConflictError", "EMAIL_TAKEN", ["input", "email"])
    assert len(await world.rows("SELECT 1 FROM outbox")) == 1
