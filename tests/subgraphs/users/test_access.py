"""Who may use which field, and whose things they reach with it; generated from the schema: no field is forgotten.

Every root field is called by four kinds of actor with the ids of somebody else's things. Whatever the answer: that
person's rows must be what they were, and nothing of theirs may be in it, unless the table says that this actor may.
"""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, parse, validate

from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.identity import ANONYMOUS, Caller
from kernel.settings import Settings
from kernel.subgraph import Parts, export_sdl
from subgraphs.users.api.schema import SCHEMA
from subgraphs.users.app import build
from subgraphs.users.settings import UsersSettings
from tests.generated_operations import Operations, codes

OPERATIONS = Operations(SCHEMA._schema)
ACTORS = ("guest", "customer", "staff", "service")
PUBLIC, PERSON, STAFF, ADMIN, SERVICE = "public", "person", "staff", "admin", "service"
POLICY = {
    "me": PUBLIC,
    "user": PUBLIC,  # null for whoever may not see them
    "users": STAFF,
    "dataExport": PERSON,
    "paymentMethodToken": SERVICE,
    "accessLog": ADMIN,
    "userRegister": PUBLIC,
    "userLogin": PUBLIC,
    "userLoginConfirm": PUBLIC,
    "tokenRefresh": PUBLIC,
    "userLogout": PUBLIC,
    "userUpdate": PERSON,
    "userAddressCreate": PERSON,
    "userAddressUpdate": PERSON,
    "userAddressDelete": PERSON,
    "sessionConfirmBegin": PERSON,
    "sessionConfirm": PERSON,
    "sessionRevoke": PERSON,
    "sessionsRevokeAll": PERSON,
    "userEmailVerificationSend": PERSON,
    "userEmailVerify": PUBLIC,
    "userPasswordResetRequest": PUBLIC,
    "userPasswordReset": PUBLIC,
    "userPasswordChange": PERSON,
    "userEmailChangeRequest": PERSON,
    "userEmailChange": PUBLIC,
    "totpBegin": PERSON,
    "totpConfirm": PERSON,
    "passkeyBegin": PERSON,
    "passkeyAdd": PERSON,
    "secondFactorRemove": PERSON,
    "recoveryCodesRenew": PERSON,
    "identityLinkBegin": PERSON,
    "identityLinkConfirm": PUBLIC,
    "identityUnlink": PERSON,
    "consentSet": PERSON,
    "paymentMethodAdd": PERSON,
    "paymentMethodRemove": PERSON,
    "dataExportRequest": PERSON,
    "userErase": PERSON,
    "userRolesSet": ADMIN,
    "staffInvite": ADMIN,
    "userImpersonate": STAFF,
    "userSessionsRevoke": STAFF,
}
"""Who may use a root field at all."""

REFUSED = {
    PUBLIC: {},
    PERSON: {"guest": "UNAUTHENTICATED", "service": "FORBIDDEN"},
    STAFF: {"guest": "UNAUTHENTICATED", "customer": "FORBIDDEN", "service": "FORBIDDEN"},
    SERVICE: {"guest": "UNAUTHENTICATED", "customer": "FORBIDDEN", "staff": "FORBIDDEN"},
    ADMIN: {"guest": "UNAUTHENTICATED", "customer": "FORBIDDEN", "staff": "FORBIDDEN", "service": "FORBIDDEN"},
}
SEES = {("user", "staff"), ("users", "staff"), ("user", "service")}
"""Who is shown somebody else's profile."""
CHANGES = {("userSessionsRevoke", "staff"), ("userImpersonate", "staff")}
"""Who changes somebody else's account: the support ends sessions, or opens one that says so."""

OWNED = (
    "users",
    "credentials",
    "addresses",
    "session_families",
    "factors",
    "identities",
    "consents",
    "payment_methods",
)


def test_every_root_field_has_its_policy():
    assert {name for _, name, _ in OPERATIONS.roots()} == set(POLICY)


@pytest.fixture
async def victim(world):
    """Somebody with one of everything; gives the caller, and the ids of their things."""
    victim = await world.log_in_as(await world.register("victim@example.com", name="Victoria Victim"))
    create = """mutation { userAddressCreate(input: {name: "Victoria Victim", line1: "1 Hidden St", city: "Secretville",
        postalCode: "10115", country: "DE"}) { address { id } errors { code } } }"""
    address = (await world.ask(create, victim))["userAddressCreate"]["address"]["id"]
    totp = (await world.ask('mutation { totpBegin(name: "Phone") { id errors { code } } }', victim))["totpBegin"]["id"]
    pay = 'mutation { paymentMethodAdd(input: {token: "tok_secret", label: "Visa"}) { paymentMethod { id } } }'
    method = (await world.ask(pay, victim))["paymentMethodAdd"]["paymentMethod"]["id"]
    await world.ask(
        'mutation { consentSet(purpose: ANALYTICS, granted: true, wording: "ok") { errors { code } } }', victim
    )
    export = (await world.ask("mutation { dataExportRequest { id } }", victim))["dataExportRequest"]["id"]
    return victim, [victim.id, address, totp, method, export, victim.session]


async def actor(world, kind):
    if kind == "guest":
        return ANONYMOUS
    if kind == "service":
        return Caller.service("orders")
    person = await world.register(f"{kind}@example.com", name="Eve Other")
    return await world.promote(person, "staff", "support") if kind == "staff" else await world.log_in_as(person)


async def kept(world, victim) -> dict[str, Any]:
    return {
        table: await world.rows(
            f"SELECT * FROM {table} WHERE {'id' if table == 'users' else 'user_id'} = '{victim.id}' ORDER BY 1, 2"
        )
        for table in OWNED
    }


@pytest.mark.parametrize("kind", ACTORS)
async def test_each_kind_of_actor_is_let_in_or_refused(world, kind):
    who = await actor(world, kind)

    for name, policy in POLICY.items():
        if name in {"userErase", "sessionsRevokeAll"}:
            continue
        told = codes(
            (await world.subgraph.executor.execute(OPERATIONS.document(name, "usr_nobody"), caller=who)).to_builtins()
        )
        expected = REFUSED[policy].get(kind)
        assert (expected in told) if expected else ("UNAUTHENTICATED" not in told), (name, told)


@pytest.mark.parametrize("kind", ACTORS)
async def test_nobody_reaches_the_things_of_somebody_else(world, victim, kind):
    owner, ids = victim
    who = await actor(world, kind)
    personal = ("victim@example.com", "Victoria", "Hidden", "Secretville", "tok_secret", "Phone")

    for name in POLICY:
        for some_id in ids:
            before = await kept(world, owner)
            result = await world.subgraph.executor.execute(OPERATIONS.document(name, some_id), caller=who)
            told = str(result.to_builtins())
            if (name, kind) not in SEES | CHANGES:
                assert not [each for each in personal if each in told], (name, kind, told)
            if (name, kind) not in CHANGES:
                assert await kept(world, owner) == before, (name, kind)


async def test_staff_sees_profiles_and_nothing_that_guards_an_account(world, victim):
    owner, _ = victim
    staff = await actor(world, "staff")
    guarded = (
        "sessions { id }",
        "secondFactors { id }",
        "recoveryCodesLeft",
        "identities { id }",
        "consents { purpose }",
        "paymentMethods { token }",
        "dataExports { id }",
    )

    for field in guarded:
        query = f'{{ user(id: "{owner.id}") {{ email {field} }} }}'
        result = await world.subgraph.executor.execute(query, caller=staff)
        assert result.data["user"]["email"] == "victim@example.com"
        assert [error["extensions"]["code"] for error in result.errors] == ["FORBIDDEN"], field


@pytest.mark.parametrize("name", POLICY)
def test_every_generated_document_is_valid(name):
    assert validate(SCHEMA._schema, parse(OPERATIONS.document(name, "usr_nobody"))) == []
    assert "email" in OPERATIONS.document("user", "usr_nobody")


async def test_no_input_takes_what_only_the_shop_decides():
    forbidden = {"roles", "id", "userId", "emailVerified", "version", "createdAt", "scopes", "passwordHash"}
    inputs = {name: t for name, t in SCHEMA._schema.type_map.items() if isinstance(t, GraphQLInputObjectType)}

    for name in ("UserRegisterInput", "UserUpdateInput", "UserAddressInput", "UserAddressUpdateInput"):
        assert forbidden.isdisjoint(inputs[name].fields), name


def test_printing_the_schema_leaves_no_trace(tmp_path):
    settings = Settings(data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")
    database = Database(settings.database_url, schema="users")

    subgraph = build(settings, Parts(database=database, calls=InProcessCalls("users", {})), UsersSettings())

    assert 'type User @key(fields: "id")' in export_sdl(subgraph)
    assert list(tmp_path.iterdir()) == []


async def test_a_payment_methods_token_is_told_to_services_and_for_its_owner_alone(world, victim):
    owner, ids = victim
    other = await world.register()
    query = "query($id: ID!, $u: ID!) { paymentMethodToken(id: $id, userId: $u) }"
    method = next(each for each in ids if each.startswith("pm_"))

    told = [(await world.ask(query, Caller.service("orders"), id=method, u=who.id)) for who in (owner, other)]

    assert [each["paymentMethodToken"] for each in told] == ["tok_secret", None]
    assert await world.refused(query, owner, id=method, u=owner.id) == ["FORBIDDEN"]
