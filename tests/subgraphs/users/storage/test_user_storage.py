"""The tables of users: as described, and loaded in bulk."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from kernel.database import Database, plain_url
from kernel.identity import Caller
from subgraphs.users.app import personal_keys
from subgraphs.users.service.passwords import hash_password
from subgraphs.users.storage import bulk
from subgraphs.users.storage.tables import METADATA

BORN = datetime(2025, 1, 1, tzinfo=UTC)


async def test_migrations_and_tables_agree(make_database):
    def differences(connection):
        changes = compare_metadata(MigrationContext.configure(connection), METADATA)
        return [change for change in changes if "alembic_version" not in str(change)]

    url = await make_database("users")
    async with Database(url, schema="users") as database, database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_accounts_loaded_in_bulk_can_log_in(world):
    connection = await asyncpg.connect(plain_url(world.settings.database_url))
    await bulk.copy(
        connection,
        keys=personal_keys(world.settings),
        users=(
            bulk.UserRow(id=f"usr_{n}", email=f"demo{n}@example.com", name=f"Demo {n}", created_at=BORN)
            for n in range(200)
        ),
        addresses=[
            bulk.AddressRow(
                id="adr_7", user_id="usr_7", name="Demo 7", line1="7 St", city="Rome", postal_code="1", country="IT"
            )
        ],
        password_hash=hash_password("demo password", rounds=4),
    )
    await connection.close()

    payload = await world.log_in("demo7@example.com", "demo password")
    me = await world.ask("{ me { addresses { country isDefaultShipping } } }", Caller(id="usr_7", kind="customer"))

    assert payload["user"]["id"] == "usr_7"
    assert me["me"]["addresses"] == [{"country": "IT", "isDefaultShipping": True}]
