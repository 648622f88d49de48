"""A store that is restored is the store that was saved, row by row, and a backup never hurts what is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from kernel.database import async_url
from kernel.settings import Settings
from runtime.backup.archive import ArchiveError
from runtime.backup.command import run_backup, run_restore
from runtime.demo_data import load_demo_data
from runtime.errors import StoreNotReadyError
from runtime.progress import Steps
from runtime.shop import SUBGRAPHS
from subgraphs.users.app import personal_keys


@pytest.fixture
async def store(make_database, tmp_path: Path, monkeypatch) -> str:
    url = await make_database(*SUBGRAPHS)
    use(monkeypatch, url, tmp_path / "before")
    (tmp_path / "before").mkdir()
    await load_demo_data(url, Steps(), personal_keys(Settings.load()))
    return url


def use(monkeypatch, url: str, data_dir: Path) -> None:
    monkeypatch.setenv("STOREGRAPH_DATABASE_URL", url)
    monkeypatch.setenv("STOREGRAPH_DATA_DIR", str(data_dir))


async def contents(url: str) -> dict[str, tuple[int, int]]:
    """How many rows each table has, and the sum of their hashes."""
    engine = create_async_engine(async_url(url))
    asked = text("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = ANY(:names) ORDER BY 1")
    try:
        async with engine.connect() as connection:
            tables = (await connection.execute(asked, {"names": list(SUBGRAPHS)})).scalars().all()
            return {table: await fingerprint(connection, table) for table in tables}
    finally:
        await engine.dispose()


async def fingerprint(connection: AsyncConnection, table: str) -> tuple[int, int]:
    row = (await connection.execute(text(f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} t"))).one()
    return row[0], row[1] or 0


async def test_all_rows_and_keys_come_back_and_the_ledger_stays_closed(store, postgres, tmp_path, monkeypatch) -> None:
    backup = tmp_path / "backup.tar"
    await asyncio.to_thread(run_backup, backup, tmp_path)
    restored = await postgres.database()
    use(monkeypatch, restored, tmp_path / "after")
    await asyncio.to_thread(run_restore, backup, tmp_path)

    before = await contents(store)
    assert sum(rows for rows, _ in before.values()) > 10_000
    assert await contents(restored) == before
    kept = [path.relative_to(tmp_path / "before") for path in (tmp_path / "before" / "keys").rglob("*")]
    assert kept
    assert all((tmp_path / "after" / path).exists() for path in kept)
    engine = create_async_engine(async_url(restored))
    async with engine.connect() as connection:
        with pytest.raises(Exception, match="stock_events"):
            await connection.execute(text("DELETE FROM inventory.stock_events"))
    await engine.dispose()

    with pytest.raises(StoreNotReadyError, match="has a store already"):
        await asyncio.to_thread(run_restore, backup, tmp_path)


async def test_a_damaged_backup_changes_nothing(postgres, tmp_path, monkeypatch) -> None:
    (tmp_path / "backup.tar").write_bytes(b"storegraph")
    url = await postgres.database()
    use(monkeypatch, url, tmp_path / "after")
    with pytest.raises(ArchiveError):
        await asyncio.to_thread(run_restore, tmp_path / "backup.tar", tmp_path)
    assert await contents(url) == {}
