"""The migrations of orders, payments and shipping make exactly the tables that the code describes."""

import importlib

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from kernel.database import Database


@pytest.mark.parametrize("name", ["orders", "payments", "shipping"])
async def test_migrations_and_tables_agree(make_database, name):
    tables = importlib.import_module(f"subgraphs.{name}.storage.tables")

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection)
        changes = compare_metadata(context, tables.metadata)
        return [change for change in changes if "alembic_version" not in str(change)]

    url = await make_database(name)
    async with Database(url, schema=name) as database, database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
