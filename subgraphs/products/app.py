"""The catalogue put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final, cast

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import OrderCancelled
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.redis import connect
from kernel.sealing import derive
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.products.api.context import make_context
from subgraphs.products.api.media_routes import media_routes
from subgraphs.products.api.schema import make_schema
from subgraphs.products.domain.documents import DocumentStore
from subgraphs.products.domain.files import MediaStore
from subgraphs.products.service import CatalogueService, documents, files, transfers
from subgraphs.products.service.caching import BuyersCache
from subgraphs.products.service.collections import keep_rules
from subgraphs.products.service.publication import keep_windows
from subgraphs.products.settings import ProductsSettings
from subgraphs.products.storage import vouchers
from subgraphs.products.storage.documents.jsonb import JsonbDocuments
from subgraphs.products.storage.media.local import LocalMedia
from subgraphs.products.storage.personal_data import PERSONAL_DATA
from subgraphs.products.storage.search import PostgresSearch
from subgraphs.products.storage.shared_cache import SharedCache

_RENDER_EVERY: Final = 0.5
_FORGET_EVERY: Final = 600.0
_TRANSFER_EVERY: Final = 0.5
_DELIVER_EVERY: Final = 0.3
_DERIVE_EVERY: Final = 60.0


def make_service(settings: Settings, parts: Parts) -> CatalogueService:
    """Make the use cases, for the subgraph and for imports."""
    own = ProductsSettings.load()
    return CatalogueService(
        parts.database,
        parts.clock,
        PostgresSearch(parts.database),
        media=_make_media(settings, own),
        documents=_make_documents(own, parts),
        cache=_make_cache(settings, own, parts),
    )


def _make_cache(settings: Settings, own: ProductsSettings, parts: Parts) -> BuyersCache | None:
    """Make what keeps what buyers read, where that is wanted; processes share it where there is Redis."""
    seconds = own.cache_seconds
    if not seconds:
        return None
    shared = SharedCache(connect(settings.redis_url), seconds=seconds / 2) if settings.redis_url else None
    return BuyersCache(parts.database, shared, seconds=seconds)


def _make_documents(own: ProductsSettings, parts: Parts) -> DocumentStore:
    """Make the store of documents: a server of MongoDB's protocol where one is set, or else PostgreSQL."""
    url = own.documents_url.get_secret_value()
    if not url:
        return JsonbDocuments(parts.database)
    from subgraphs.products.storage.documents.mongo import MongoDocuments, connect  # noqa: PLC0415 # only where it is

    return MongoDocuments(connect(url, own.documents_driver))


def _make_media(settings: Settings, own: ProductsSettings) -> MediaStore:
    """Make the store of pictures and files: a bucket where one is set, or else a folder."""
    if own.media_bucket:
        from subgraphs.products.storage.media.s3 import S3Media  # noqa: PLC0415 # 15 MB that only a bucket needs

        return S3Media(
            own.media_bucket,
            endpoint=own.media_endpoint,
            region=own.media_region,
            key_id=own.media_key_id,
            secret=own.media_secret.get_secret_value(),
        )
    secret = derive(settings.internal_key.get_secret_value().encode(), "addresses of pictures and files")
    return LocalMedia(settings.data_dir / "media", secret, base=f"{own.public_url.rstrip('/')}/media")


def build(settings: Settings, parts: Parts) -> Subgraph:
    """Build the catalogue with search in PostgreSQL."""
    service = make_service(settings, parts)
    return Subgraph(
        name="products",
        schema=make_schema(),
        make_context=partial(make_context, service),
        database=parts.database,
        migrations=Path(__file__).parent / "migrations",
        consumers=(
            Consumer(name="products.vouchers", subscriptions={"OrderCancelled": _give_voucher_back}),
            personal_data_consumer("products", PERSONAL_DATA, settings),
        ),
        jobs=(
            Job(name="products.publication", run=partial(keep_windows, parts.database, parts.clock), every=1.0),
            Job(name="products.collections", run=partial(keep_rules, parts.database), every=0.5),
            Job(name="products.renditions", run=partial(files.render_next, service), every=_RENDER_EVERY),
            Job(name="products.uploads", run=partial(files.forget_unclaimed, service), every=_FORGET_EVERY),
            Job(name="products.documents", run=partial(documents.deliver, service), every=_DELIVER_EVERY),
            Job(name="products.facts", run=partial(documents.derive_anew, service), every=_DERIVE_EVERY),
            Job(name="products.imports", run=partial(transfers.advance_imports, service), every=_TRANSFER_EVERY),
            Job(name="products.exports", run=partial(transfers.run_exports, service), every=_TRANSFER_EVERY),
        ),
        routes=media_routes(service.media) if isinstance(service.media, LocalMedia) else (),
        on_close=(service.searches.close, service.documents.close, *((service.cache.close,) if service.cache else ())),
    )


async def _give_voucher_back(event: Event, session: AsyncSession) -> None:
    """Let the voucher of a cancelled order count for another one."""
    cancelled = cast("OrderCancelled", event.data)
    await vouchers.give_back(session, cancelled.order_id)
