"""What the router's cache is told by the events of the shop: what has changed is forgotten once that is committed.

PostgreSQL's notifications say what happened to which product; the event itself, which names its variants, is read from
the outbox. After a time of not hearing, anything of the catalogue may have changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import orjson

from kernel import telemetry
from kernel.database import plain_url
from kernel.events.listening import Listener
from kernel.events.outbox import FEED
from router.cache.store import Store
from router.cache.tags import Change
from router.cache_settings import CacheSettings, SubgraphCacheSettings

CATALOGUE: Final = "products"
SECONDS: Final = {"Product": 60, "ProductVariant": 60, "Category": 300, "Collection": 300}
"""How long the catalogue's objects are kept at most, whatever is told: promotions begin and end by time."""
_FOLLOWED: Final = frozenset({"ProductCreated", "ProductUpdated", "PriceChanged", "CategoryChanged"})
_EVENT: Final = (
    "SELECT event -> 'data' FROM products.outbox WHERE type = $1 AND subject = $2 ORDER BY position DESC LIMIT 1"
)
_AGAIN_SECONDS: Final = 0.5
_log = telemetry.get_logger("cache")


def cache_settings(*, redis: str | None = None) -> CacheSettings:
    """Return what is kept of the shop: public things of the catalogue, of which events tell when they change."""
    return CacheSettings(
        enabled=True,
        redis=redis,
        everywhere=SubgraphCacheSettings(enabled=False),
        subgraphs={CATALOGUE: SubgraphCacheSettings(types=SECONDS)},
    )


def changes_of(kind: str, subject: str, data: Mapping[str, Any]) -> Iterable[Change]:
    """Return what an event says has changed."""
    here = (CATALOGUE,)
    if kind == "CategoryChanged":
        yield Change(here, "Category", {"id": subject})
        yield Change(here, "Product")
        return
    yield Change(here, "Product", {"id": data.get("product_id", subject)})
    for variant in data.get("variants", ()) or ({"sku": data["sku"]},) * ("sku" in data):
        names = {"sku": variant.get("sku"), "id": variant.get("id")}
        yield Change(here, "ProductVariant", {name: value for name, value in names.items() if value is not None})


class CatalogueFollower:
    """Tells a cache what events say has changed.

    Args:
        database_url: of the database in which they are recorded.
        store: what forgets.
    """

    def __init__(self, database_url: str, store: Store) -> None:
        self._url = plain_url(database_url)
        self._store = store
        self._news: set[tuple[str, str]] = set()
        self._heard = asyncio.Event()
        self._missed = False
        self._listener = Listener(self._url, self._hear, self._hear_anything, channel=FEED)
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        """Begin to follow; from the return on everything is heard."""
        self._tasks = (asyncio.create_task(self._listener.listen()), asyncio.create_task(self._tell()))
        await self._listener.ready.wait()

    async def stop(self) -> None:
        """Follow no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._store.close()

    def _hear(self, notice: str) -> None:
        schema, kind, subject = notice.split(" ", 2)
        if schema == CATALOGUE and kind in _FOLLOWED:
            self._news.add((kind, subject))
            self._heard.set()

    def _hear_anything(self) -> None:
        self._missed = True
        self._heard.set()

    async def _tell(self) -> None:
        while True:
            await self._heard.wait()
            self._heard.clear()
            try:
                await self._tell_all()
            except (OSError, asyncpg.PostgresError) as error:
                _log.warning("the cache forgets the whole catalogue", error=type(error).__name__)
                self._hear_anything()
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _tell_all(self) -> None:
        missed, self._missed = self._missed, False
        news, self._news = self._news, set()
        if missed:
            await self._store.invalidate([Change((CATALOGUE,))])
            return
        connection = await asyncpg.connect(self._url)
        try:
            for kind, subject in news:
                text = await connection.fetchval(_EVENT, kind, subject)
                await self._store.invalidate(changes_of(kind, subject, orjson.loads(text) if text else {}))
        finally:
            await connection.close()


@asynccontextmanager
async def following(database_url: str, store: Store | None) -> AsyncIterator[None]:
    """Tell a store, if there is one, of what changes while the block runs; it is closed in the end."""
    if store is None:
        yield
        return
    follower = CatalogueFollower(database_url, store)
    await follower.start()
    try:
        yield
    finally:
        await follower.stop()
