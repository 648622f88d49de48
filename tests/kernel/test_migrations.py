import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from kernel.database import Database
from kernel.migrations import MigrationError, check_current, newest_revision, upgrade
from tests.servers import PostgresForTests

SAMPLE = Path(__file__).parent / "sample_migrations"


async def test_upgrade_creates_the_schema_and_again_changes_nothing(postgres: PostgresForTests):
    url = await postgres.database()
    assert await upgrade(url, "shop", SAMPLE) == "0001"
    assert await upgrade(url, "shop", SAMPLE) == "0001"

    async with Database(url, schema="shop") as database, database.session() as session:
        tables = await session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'shop' ORDER BY 1"))
        assert tables.scalars().all() == ["alembic_version", "effects", "inbox", "outbox"]


async def test_processes_that_start_together_do_not_collide(postgres: PostgresForTests):
    url = await postgres.database()
    assert await asyncio.gather(*(upgrade(url, "shop", SAMPLE) for _ in range(4))) == ["0001"] * 4


async def test_a_revision_that_fails_leaves_nothing(postgres: PostgresForTests, tmp_path: Path):
    url = await postgres.database()
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "0001_bad.py").write_text(
        "from alembic import op\nrevision = '0001'\ndown_revision = None\n"
        "def upgrade():\n    op.execute('CREATE TABLE half (x int)')\n    op.execute('SELECT nonsense')\n"
    )
    with pytest.raises(Exception, match="nonsense"):
        await upgrade(url, "shop", tmp_path)

    async with Database(url, schema="shop") as database, database.session() as session:
        assert (await session.execute(text("SELECT to_regclass('shop.half')"))).scalar() is None


async def test_a_schema_behind_its_code_is_named(postgres: PostgresForTests):
    url = await postgres.database()
    with pytest.raises(MigrationError, match=r"shop.*storegraph migrate"):
        await check_current(url, {"shop": SAMPLE})
    await upgrade(url, "shop", SAMPLE)
    await check_current(url, {"shop": SAMPLE})


async def test_a_name_that_is_no_schema_is_refused(postgres: PostgresForTests):
    with pytest.raises(MigrationError):
        await upgrade(await postgres.database(), 'x"; DROP', SAMPLE)


def test_an_empty_folder_has_no_newest_revision(tmp_path: Path):
    (tmp_path / "versions").mkdir()
    with pytest.raises(MigrationError):
        newest_revision(tmp_path)


async def test_tables_of_a_newer_version_are_left_alone(postgres: PostgresForTests):
    url = await postgres.database()
    await upgrade(url, "shop", SAMPLE)
    async with Database(url, schema="shop") as database, database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MigrationError, match=r"shop are of a newer version \(revision 9999\)"):
        await upgrade(url, "shop", SAMPLE)
