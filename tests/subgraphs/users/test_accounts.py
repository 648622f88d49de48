"""Accounts: opened, changed, looked at and searched, by whom it may be."""

from __future__ import annotations

import asyncio

import pytest

from kernel.identity import ANONYMOUS, Caller
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.errors import EmailTakenError

STAFF = Caller(id="usr_staff", kind="staff", roles=frozenset({"staff"}))
ADMIN = Caller(id="usr_admin", kind="admin", roles=frozenset({"admin"}))

REGISTER = """
mutation($input: UserRegisterInput!) {
  userRegister(input: $input) { user { id email name roles } errors { __typename code message path } }
}"""
ME = "{ me { id email name phone language roles addresses { id } } }"
UPDATE = """
mutation($input: UserUpdateInput!) {
  userUpdate(input: $input) { user { name phone language } errors { code path } }
}"""
SET_ROLES = """
mutation($id: ID!, $roles: [UserRole!]!) {
  userRolesSet(id: $id, roles: $roles) { user { roles } errors { code } }
}"""
SEARCH = """
query($first: Int, $after: String, $last: Int, $before: String, $where: UserWhere) {
  users(first: $first, after: $after, last: $last, before: $before, where: $where) {
    nodes { email } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
PEOPLE = """
query($these: [_Any!]!) { _entities(representations: $these) { ... on User { id email addresses { id } } } }"""


def references(*ids: str) -> list[dict[str, str]]:
    return [{"__typename": "User", "id": each} for each in ids]


async def told(world, kind="UserProfileUpdated"):
    return await world.rows(
        f"SELECT subject, event -> 'data' AS data FROM outbox WHERE type = '{kind}' ORDER BY position"
    )


async def test_registering_opens_a_customer_account_and_tells_of_it_once(world):
    data = await world.ask(
        REGISTER, input={"email": " Ada@Example.COM ", "password": "correct horse", "name": "Ada  Lovelace"}
    )

    user = data["userRegister"]["user"]
    assert (user["email"], user["name"], user["roles"]) == ("ada@example.com", "Ada Lovelace", ["CUSTOMER"])
    [event] = await told(world, "UserRegistered")
    assert event["subject"] == user["id"]
    assert event["data"]["email"] == "ada@example.com"


async def test_an_address_opens_one_account_however_often_it_is_tried_at_once(world):
    spellings = ["bob@example.com", "BOB@example.com", " Bob@Example.com"] * 4
    fields = {"password": "correct horse", "name": "Bob", "language": "en", "discreet": False}
    tries = [world.service.accounts.register(email=each, **fields) for each in spellings]

    outcomes = await asyncio.gather(*tries, return_exceptions=True)

    assert sum(isinstance(each, Account) for each in outcomes) == 1
    assert sum(isinstance(each, EmailTakenError) for each in outcomes) == len(spellings) - 1
    assert len(await told(world, "UserRegistered")) == 1
    again = await world.ask(REGISTER, input={"email": "bob@example.com", "password": "correct horse", "name": "Bob"})
    [error] = again["userRegister"]["errors"]
    assert (error["__typename"], error["code"]) == ("ConflictError", "EMAIL_TAKEN")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("email", "nobody", "INVALID_INPUT"),
        ("password", "short", "WEAK_PASSWORD"),
        ("password", "ada@example.com", "WEAK_PASSWORD"),
        ("name", " ", "INVALID_INPUT"),
        ("language", "klingon!", "INVALID_INPUT"),
    ],
)
async def test_a_wrong_input_opens_nothing(world, field, value, code):
    wanted = {"email": "ada@example.com", "password": "correct horse", "name": "Ada", field: value}

    payload = (await world.ask(REGISTER, input=wanted))["userRegister"]

    assert payload["user"] is None
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [(code, ["input", field])]
    assert await world.rows("SELECT 1 FROM users UNION ALL SELECT 1 FROM outbox") == []


async def test_no_password_is_kept_or_told_in_the_clear(world):
    await world.register("ada@example.com")

    [row] = await world.rows("SELECT password_hash FROM credentials")
    assert row["password_hash"].startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert "correct horse" not in str(await world.rows("SELECT * FROM users, outbox"))


async def test_me_is_the_caller_and_nobody_for_guests_and_services(world):
    ada = await world.register("ada@example.com")

    assert (await world.ask(ME, ada))["me"]["email"] == "ada@example.com"
    assert (await world.ask(ME))["me"] is None
    assert (await world.ask(ME, Caller.service("orders")))["me"] is None


async def test_a_profile_changes_in_what_was_sent_and_tells_only_what_changed(world):
    ada = await world.register()

    await world.ask(UPDATE, ada, input={"phone": "+49 30 12345", "language": "de"})
    data = await world.ask(UPDATE, ada, input={"phone": None})

    assert data["userUpdate"] == {"user": {"name": "Ada Lovelace", "phone": None, "language": "de"}, "errors": []}
    assert [event["data"]["changed"] for event in await told(world)] == [["phone", "language"], ["phone"]]


async def test_a_change_that_changes_nothing_tells_nothing(world):
    ada = await world.register()

    await world.ask(UPDATE, ada, input={"name": "Ada Lovelace"})

    assert await told(world) == []


async def test_changes_at_once_are_all_kept(world):
    ada = await world.register()

    await asyncio.gather(
        *(world.ask(UPDATE, ada, input={"name": f"Ada {n}"}) for n in range(5)),
        world.ask(UPDATE, ada, input={"phone": "+1 555 0100"}),
    )

    [row] = await world.rows("SELECT version FROM users")
    assert row == {"version": 7}
    assert (await world.ask("{ me { phone } }", ada))["me"]["phone"] == "+1 555 0100"


async def test_a_profile_is_changed_by_its_owner_only(world):
    await world.register()

    assert await world.refused(UPDATE, ANONYMOUS, input={"name": "Eve"}) == ["UNAUTHENTICATED"]
    data = await world.ask(UPDATE, Caller.service("orders"), input={"name": "Eve"})
    assert data["userUpdate"]["errors"][0]["code"] == "FORBIDDEN"
    gone = Caller(id="usr_gone", kind="customer")
    assert (await world.ask(UPDATE, gone, input={"name": "Eve"}))["userUpdate"]["errors"][0]["code"] == "NOT_FOUND"


async def test_roles_are_set_by_administrators_only(world):
    ada = await world.register()

    for caller in (ada, STAFF, Caller.service("orders")):
        data = await world.ask(SET_ROLES, caller, id=ada.id, roles=["ADMIN"])
        assert data["userRolesSet"] == {"user": None, "errors": [{"code": "FORBIDDEN"}]}
    data = await world.ask(SET_ROLES, await world.administrator(), id=ada.id, roles=["STAFF", "WAREHOUSE"])

    assert data["userRolesSet"]["user"]["roles"] == ["CUSTOMER", "STAFF", "WAREHOUSE"]
    assert [event["data"]["changed"] for event in await told(world)] == [["roles"]]


async def test_a_stranger_is_shown_an_id_and_nothing_more(world):
    ada, eve = await world.register(), await world.register()
    query = "query($id: ID!) { user(id: $id) { id } }"

    assert (await world.ask(query, eve, id=ada.id))["user"] is None
    for caller in (eve, ANONYMOUS):
        result = await world.subgraph.executor.execute(PEOPLE, {"these": references(ada.id)}, caller=caller)
        assert result.data == {"_entities": [{"id": ada.id, "email": None, "addresses": None}]}
        assert {error["extensions"]["code"] for error in result.errors} == {"FORBIDDEN"}


@pytest.mark.parametrize("field", ["email", "name", "phone", "language", "roles", "createdAt", "addresses { id }"])
async def test_every_personal_field_is_closed_to_strangers(world, field):
    ada, eve = await world.register(), await world.register()
    document = f"query($these: [_Any!]!) {{ _entities(representations: $these) {{ ... on User {{ {field} }} }} }}"

    assert await world.refused(document, eve, these=references(ada.id)) == ["FORBIDDEN"]
    assert await world.refused(document, ada, these=references(ada.id)) == []
    assert await world.refused(document, STAFF, these=references(ada.id)) == []
    assert await world.refused(document, Caller.service("notifications"), these=references(ada.id)) == []


async def test_a_stranger_cannot_tell_whether_an_account_exists(world):
    ada, eve = await world.register(), await world.register()
    document = "query($these: [_Any!]!) { _entities(representations: $these) { ... on User { id } } }"

    there = await world.ask(document, eve, these=references(ada.id))
    missing = await world.ask(document, eve, these=references("usr_missing"))

    assert there["_entities"] == [{"id": ada.id}]
    assert missing["_entities"] == [{"id": "usr_missing"}]
    assert (await world.ask(document, STAFF, these=references("usr_missing")))["_entities"] == [None]


async def test_ten_users_cost_as_many_statements_as_one(world):
    ids = [(await world.register()).id for _ in range(10)]

    one = await world.statements(PEOPLE, STAFF, these=references(ids[0]))
    ten = await world.statements(PEOPLE, STAFF, these=references(*ids))

    assert (one, ten) == (3, 3)  # one of them writes into the access log who looked


async def test_the_staff_pages_through_all_users_newest_first(world):
    for n in range(5):
        world.clock.advance(seconds=1)
        await world.register(f"user-{n}@example.com", name=f"Number {n}")

    first = (await world.ask(SEARCH, STAFF, first=2))["users"]
    second = (await world.ask(SEARCH, STAFF, first=2, after=first["pageInfo"]["endCursor"]))["users"]
    back = (await world.ask(SEARCH, STAFF, last=2, before=second["pageInfo"]["startCursor"]))["users"]

    assert [user["email"] for user in first["nodes"]] == ["user-4@example.com", "user-3@example.com"]
    assert [user["email"] for user in second["nodes"]] == ["user-2@example.com", "user-1@example.com"]
    assert back["nodes"] == first["nodes"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (5, True)


async def test_the_staff_searches_by_address_name_and_role(world):
    await world.register("grace_h@navy.example", name="Grace Hopper")
    await world.register("gracexh@navy.example", name="Grace O'Malley & Sons")
    ada = await world.register("ada@example.com", name="Ada Lovelace")
    await world.promote(ada, "vendor")

    async def found(**where):
        nodes = (await world.ask(SEARCH, STAFF, where=where))["users"]["nodes"]
        return sorted(user["email"] for user in nodes)

    assert await found(search="ADA@") == ["ada@example.com"]
    assert await found(search="grace_h") == ["grace_h@navy.example"]
    assert await found(search="grace hop") == ["grace_h@navy.example"]
    assert await found(search="o'mal & s") == ["gracexh@navy.example"]
    assert await found(search="%") == []
    assert await found(role="VENDOR") == ["ada@example.com"]
    assert await found(role="ADMIN") == []


async def test_the_search_is_for_the_staff(world):
    ada = await world.register()

    assert await world.refused(SEARCH, ada) == ["FORBIDDEN"]
    assert await world.refused(SEARCH, ANONYMOUS) == ["UNAUTHENTICATED"]


async def test_a_page_of_users_costs_one_statement_and_its_total_another(world):
    for _ in range(10):
        await world.register()
    query = "query($first: Int) { users(first: $first) { nodes { email name } } }"

    assert await world.statements(query, STAFF, first=1) == await world.statements(query, STAFF, first=10) == 2
    assert await world.statements(SEARCH, STAFF, first=10) == 3  # one of them writes into the access log who looked
