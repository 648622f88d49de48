"""The database of a store, for commands that work beside it or while it is down."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kernel.settings import Settings
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.left_over import stop_left_over_servers
from runtime.embedded.postgres import postgres_url, start_postgres
from runtime.errors import AlreadyRunningError, StoreNotReadyError
from runtime.shop import migrate


@contextmanager
def store_database(data_dir: Path) -> Iterator[str]:
    """Give the URL of the database of the settings, of the running store, or of one that is down and started for this.

    Raises:
        StoreNotReadyError: there is no store in that folder.
    """
    settings = Settings.load()
    if settings.database_url:
        yield settings.database_url
        return
    directory = DataDirectory(data_dir)
    if not (directory.root / "postgres" / "PG_VERSION").exists():
        raise StoreNotReadyError(
            f"There is no store in {directory.root}. Make one with `make up`, or name its --data-dir."
        )
    with ExitStack() as ended:
        try:
            ended.enter_context(directory)
        except AlreadyRunningError:
            yield postgres_url(directory)
            return
        stop_left_over_servers(directory)
        server = start_postgres(directory)
        ended.callback(server.stop)
        asyncio.run(migrate(settings.model_copy(update={"data_dir": directory.root, "database_url": server.url})))
        yield server.url
