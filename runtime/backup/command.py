"""`storegraph backup` and `storegraph restore`."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from kernel.database import async_url
from kernel.migrations import newest_revision, read_revisions
from kernel.settings import Settings
from runtime.backup.archive import ArchiveError, Manifest, read_archive, write_archive
from runtime.backup.postgres import dump, restore
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.postgres import start_postgres
from runtime.errors import StoreNotReadyError
from runtime.progress import Steps
from runtime.shop import SUBGRAPHS, migrate, migrations_of
from runtime.store_database import store_database

_DUMP = "database.dump"
_FOLDERS = ("keys", "media")
"""What a store keeps in its data directory beside the database."""


def run_backup(target: Path, data_dir: Path) -> None:
    """Write a backup beside a store that goes on selling, or of one that is down.

    Raises:
        StartError: there is nothing to back up, or it could not be written.
    """
    steps = Steps()
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    with _workplace(target.parent) as folder, store_database(data_dir) as url:
        with steps.step("Database"):
            revisions = asyncio.run(read_revisions(url, SUBGRAPHS))
            dump(url, SUBGRAPHS, folder / _DUMP)
        with steps.step("Keys and files"):
            _copy_folders(_data_directory(data_dir), folder)
            manifest = write_archive(target, folder, made_at, revisions)
    steps.console.print(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {len(manifest.files)} files.", soft_wrap=True)
    steps.console.print("It holds the keys of access tokens and of personal data: keep it as you keep those.")


def run_restore(source: Path, data_dir: Path) -> None:
    """Make a store from a backup: in a new data directory, or in the empty database of the settings.

    Raises:
        StartError: the backup is damaged or of a newer version, or there is a store already; nothing was changed then.
    """
    steps = Steps()
    with _workplace(None) as folder:
        with steps.step("Check the backup"):
            manifest = read_archive(source, folder)
            _refuse_newer(source, manifest)
        with _new_database(data_dir) as settings:
            with steps.step("Database"):
                asyncio.run(_insist_on_empty(settings.database_url))
                restore(settings.database_url, folder / _DUMP)
            _copy_folders(folder, settings.data_dir)
            with steps.step("Tables of this version"):
                asyncio.run(migrate(settings))
    steps.console.print(f"Restored to {manifest.made_at}. See docs/deployment.md for what to look at next.")


def _data_directory(data_dir: Path) -> Path:
    settings = Settings.load()
    return settings.data_dir if settings.database_url else data_dir


def _refuse_newer(source: Path, manifest: Manifest) -> None:
    strange = [name for name in manifest.revisions if name not in SUBGRAPHS]
    newer = [name for name in SUBGRAPHS if manifest.revisions.get(name, "") > newest_revision(migrations_of(name))]
    if strange or newer:
        raise ArchiveError(f"{source} is of a newer version than this one ({', '.join(strange + newer)}).")


def _copy_folders(source: Path, target: Path) -> None:
    for name in _FOLDERS:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)


@contextmanager
def _new_database(data_dir: Path) -> Iterator[Settings]:
    settings = Settings.load()
    if settings.database_url:
        yield settings
        return
    with DataDirectory(data_dir) as directory:
        if (directory.root / "postgres" / "PG_VERSION").exists():
            raise StoreNotReadyError(f"There is a store in {directory.root} already. Name a new --data-dir.")
        server = start_postgres(directory)
        try:
            yield settings.model_copy(update={"data_dir": directory.root, "database_url": server.url})
        finally:
            server.stop()


async def _insist_on_empty(database_url: str) -> None:
    engine = create_async_engine(async_url(database_url), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            asked = text("SELECT nspname FROM pg_namespace WHERE nspname = ANY(:names)")
            there = (await connection.execute(asked, {"names": list(SUBGRAPHS)})).scalars().all()
    finally:
        await engine.dispose()
    if there:
        raise StoreNotReadyError(
            f"The database has a store already ({', '.join(sorted(there))}). Restore into an empty one."
        )


@contextmanager
def _workplace(beside: Path | None) -> Iterator[Path]:
    """Give a folder of our own, on the disk of the target, that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=".storegraph-", dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
