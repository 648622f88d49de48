"""Documents of products: written with their product, brought to the store by a worker, read from both.

A change is one transaction in PostgreSQL, which counts the version and keeps the document until the store has it. The
store takes a version only where it has none as new, so a worker that dies anywhere, or two at once, end in the same
state. Who reads looks at what is on its way first and then at the store, and so misses nothing in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kernel.errors import ConflictError
from kernel.identity import Caller
from kernel.pagination import Page, Slice, SortKey, decode_cursor, slice_rows
from subgraphs.products.domain.documents import ProductDocument, derived_anew, document_of
from subgraphs.products.domain.search import Audience
from subgraphs.products.service.catalogue import CatalogueService
from subgraphs.products.storage import listing
from subgraphs.products.storage.documents import pending
from subgraphs.products.storage.tables import products

_AT_ONCE: Final = 100
_BY_ID: Final = [SortKey("id", products.c.id, str)]


async def write(
    service: CatalogueService, caller: Caller, product_id: str, content: Any, *, expected_version: int | None = None
) -> None:
    """Replace the document of a product.

    Raises:
        NotFoundError: there is no such product.
        ForbiddenError: it belongs to another vendor.
        ConflictError: the document has another version than expected; 0 expects that there is none.
        InvalidInputError: it cannot be accepted.
    """
    async with service.opened(caller, product_id) as product:
        version = await pending.version_of(product.session, product_id)
        if expected_version not in (None, version):
            raise ConflictError(
                f"The document has changed: version {version} is not the expected {expected_version}.",
                code="STALE_VERSION",
                path=("expectedVersion",),
            )
        await pending.add(product.session, document_of(product_id, version + 1, content))
        await product.tell()


async def read(service: CatalogueService, product_ids: Sequence[str]) -> Mapping[str, ProductDocument]:
    """Read the documents of products, as far as they have any."""
    async with service.database.session() as session:
        on_their_way = await pending.of_products(session, product_ids)
    left = [product_id for product_id in product_ids if product_id not in on_their_way]
    return {**(await service.documents.get(left) if left else {}), **on_their_way}


async def find(service: CatalogueService, facts: Sequence[str], page: Page, audience: Audience) -> Slice[str]:
    """Find the products whose documents say all of this, by their ids; what was just written comes a moment later."""
    last = decode_cursor(page.after, _BY_ID)[0] if page.after else ""
    found: list[str] = []
    while len(found) <= page.size:
        some = await service.documents.find(facts, after=last, most=page.size + 1)
        async with service.database.session() as session:
            found += await listing.visible_among(session, some, audience)
        if len(some) <= page.size:
            break
        last = some[-1]
    return slice_rows(found[: page.size + 1], page, _BY_ID, lambda product_id: (product_id,))


async def deliver(service: CatalogueService) -> int:
    """Bring some documents to the store; tell how many."""
    async with service.database.session() as session:
        on_their_way = await pending.some(session, _AT_ONCE)
    if on_their_way:
        await service.documents.put(on_their_way)
        async with service.database.transaction() as session:
            await pending.forget(session, on_their_way)
    return len(on_their_way)


async def derive_anew(service: CatalogueService) -> int:
    """Derive the facts of some documents as this version does; tell how many."""
    outdated = await service.documents.outdated(_AT_ONCE)
    await service.documents.put([derived_anew(each) for each in outdated])
    return len(outdated)


async def disagreements(service: CatalogueService) -> list[str]:
    """Name the products of which the store has not the document that it should have."""
    wrong: list[str] = []
    last = ""
    while True:
        async with service.database.session() as session:
            versions = await pending.versions(session, last, _AT_ONCE)
        if not versions:
            return wrong
        found = await read(service, list(versions))
        wrong += [each for each, version in versions.items() if each not in found or found[each].version != version]
        last = max(versions)
