"""Who may use which field: every root field of the schema has its row, so that a new one cannot be forgotten."""

from __future__ import annotations

import pytest

from kernel.calls import InProcessCalls
from kernel.database import Database
from kernel.identity import ANONYMOUS, Caller
from kernel.settings import Settings
from kernel.subgraph import Parts, export_sdl
from subgraphs.users.api.schema import SCHEMA
from subgraphs.users.app import build
from subgraphs.users.settings import UsersSettings

ADDRESS = '{name: "A", line1: "1", city: "C", postalCode: "1", country: "DE"}'
ANYBODY = ("OK", "OK", "OK", "OK")
"""What a guest, a customer, the staff and one of our services are told."""

FIELDS = {
    "me": ("{ me { email } }", ANYBODY),
    "user": ('{ user(id: "usr_ada") { email } }', ANYBODY),
    "users": ("{ users { nodes { id } } }", ("UNAUTHENTICATED", "FORBIDDEN", "OK", "FORBIDDEN")),
    "userRegister": (
        'mutation { userRegister(input: {email: "x", password: "x", name: "x"}) { errors { code } } }',
        ("INVALID_INPUT",) * 4,
    ),
    "userLogin": (
        'mutation { userLogin(email: "x", password: "x") { errors { code } } }',
        ("INVALID_CREDENTIALS",) * 4,
    ),
    "tokenRefresh": ('mutation { tokenRefresh(refreshToken: "x") { errors { code } } }', ("INVALID_TOKEN",) * 4),
    "userLogout": ('mutation { userLogout(refreshToken: "x") { errors { code } } }', ANYBODY),
    "userUpdate": (
        'mutation { userUpdate(input: {name: "Eve"}) { errors { code } } }',
        ("UNAUTHENTICATED", "OK", "NOT_FOUND", "FORBIDDEN"),
    ),
    "userRolesSet": (
        'mutation { userRolesSet(id: "usr_ada", roles: [ADMIN]) { errors { code } } }',
        ("UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"),
    ),
    "userAddressCreate": (
        f"mutation {{ userAddressCreate(input: {ADDRESS}) {{ errors {{ code }} }} }}",
        ("UNAUTHENTICATED", "OK", "NOT_FOUND", "FORBIDDEN"),
    ),
    "userAddressUpdate": (
        'mutation { userAddressUpdate(id: "adr_ada", input: {city: "X"}) { errors { code } } }',
        ("UNAUTHENTICATED", "NOT_FOUND", "NOT_FOUND", "FORBIDDEN"),
    ),
    "userAddressDelete": (
        'mutation { userAddressDelete(id: "adr_ada") { errors { code } } }',
        ("UNAUTHENTICATED", "NOT_FOUND", "NOT_FOUND", "FORBIDDEN"),
    ),
}
FEDERATION = {"_entities", "_service"}


def test_every_root_field_has_its_row():
    roots = SCHEMA._schema.query_type, SCHEMA._schema.mutation_type

    assert {name for root in roots for name in root.fields} - FEDERATION == set(FIELDS)


@pytest.mark.parametrize("field", FIELDS)
async def test_each_kind_of_caller_gets_what_it_may(world, field):
    document, outcomes = FIELDS[field]
    customer = await world.register()
    callers = (ANONYMOUS, customer, Caller(id="usr_staff", kind="staff"), Caller.service("orders"))

    told = [await outcome(world, document, caller) for caller in callers]

    assert told == list(outcomes)


async def outcome(world, document, caller):
    result = await world.subgraph.executor.execute(document, caller=caller)
    if result.errors:
        return result.errors[0]["extensions"]["code"]
    [payload] = result.data.values()
    errors = (payload or {}).get("errors", ())
    return errors[0]["code"] if errors else "OK"


def test_printing_the_schema_leaves_no_trace(tmp_path):
    settings = Settings(data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")
    database = Database(settings.database_url, schema="users")

    subgraph = build(settings, Parts(database=database, calls=InProcessCalls("users", {})), UsersSettings())

    assert 'type User @key(fields: "id")' in export_sdl(subgraph)
    assert list(tmp_path.iterdir()) == []
