"""Uploads: announced, handed in where the bytes are kept, looked at, and made smaller by a worker.

The bytes of a client are taken from where it put them to where it cannot: what was accepted stays as it was. A worker
that dies leaves a picture that is still to be made smaller; doing it twice gives the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity import Caller, require, require_owner
from kernel.ids import new_id
from subgraphs.products.domain import files as domain
from subgraphs.products.domain.files import FileState, MediaStore, StoredFile, UploadTicket
from subgraphs.products.domain.media import Media
from subgraphs.products.domain.products import Product
from subgraphs.products.domain.text import clean_line
from subgraphs.products.service import pictures
from subgraphs.products.service.catalogue import CatalogueService, write_changed
from subgraphs.products.storage import files, writing

_UPLOAD_SECONDS: Final = 900
_DOWNLOAD_SECONDS: Final = 3600
_HEAD: Final = 65_536
_UNCLAIMED: Final = timedelta(days=1)


def url_of(store: MediaStore, media: Media, width: int | None) -> str:
    """Give the address of a picture: of the smallest that is at least so wide, for an hour."""
    fitting = [each for each in media.widths if width is not None and each >= width]
    key = domain.rendition_key(media.id, min(fitting)) if fitting else domain.original_key(media.id)
    return store.download_url(key, _DOWNLOAD_SECONDS)


def url_of_file(store: MediaStore, file_id: str) -> str:
    """Give the address of a file, for an hour."""
    return store.download_url(domain.original_key(file_id), _DOWNLOAD_SECONDS)


async def announce(
    service: CatalogueService, caller: Caller, file_name: str, media_type: str, size: int
) -> tuple[str, UploadTicket]:
    """Announce a file; give its id and how to hand it in.

    Raises:
        InvalidInputError: such a file is not accepted.
    """
    owner_id = require(caller, roles={"vendor"})
    if media_type not in domain.ACCEPTED:
        raise InvalidInputError(
            "A file is a JPEG, PNG, WebP, GIF, PDF, CSV or JSON Lines (application/x-ndjson).", path=("mediaType",)
        )
    file = StoredFile(
        id=new_id("file"),
        owner_id=owner_id,
        file_name=clean_line(file_name, field="fileName"),
        media_type=media_type,
        state=FileState.EXPECTED,
        size=domain.check_size(size, service.media.largest, media_type),
    )
    async with service.database.transaction() as session:
        await files.add(session, file)
    return file.id, UploadTicket(
        url=service.media.upload_url(file.incoming, _UPLOAD_SECONDS),
        method="PUT",
        headers=(("content-type", media_type),),
        expires_at=service.clock.now() + timedelta(seconds=_UPLOAD_SECONDS),
    )


async def take_over(service: CatalogueService, caller: Caller, file_id: str) -> StoredFile:
    """Look at what was handed in and take it over; what was taken over already stays.

    Raises:
        NotFoundError: there is no such upload, or nothing was handed in yet.
        ForbiddenError: it is somebody else's.
        InvalidInputError: it is not what is accepted; it is forgotten.
    """
    file = await _known(service, caller, file_id)
    if file.state is FileState.EXPECTED:
        await _take(service, file)
        file = await _known(service, caller, file_id)
    if file.state is FileState.EXPECTED:
        raise NotFoundError("Nothing was handed in yet.", path=("id",))
    return file


async def show(
    service: CatalogueService,
    caller: Caller,
    product_id: str,
    file_id: str,
    *,
    alt: str,
    alts: Mapping[str, str],
    expected_version: int | None = None,
) -> None:
    """Add a picture to those that a product shows; one that was handed in just now is taken over.

    Raises:
        NotFoundError: there is no such product or upload.
        InvalidInputError: it is no picture that is accepted.
        ConflictError: it is the picture of another product.
    """
    await take_over(service, caller, file_id)
    async with service.opened(caller, product_id, expected_version) as product:
        file = await files.belong(product.session, file_id, product_id)
        if file is None:
            raise ConflictError("It is the picture of another product.", path=("uploadId",))
        if file.media_type not in domain.PICTURES or file.state is FileState.REFUSED:
            raise InvalidInputError("Only pictures can be shown.", path=("uploadId",))
        media = Media(
            id=file.id,
            alt=alt,
            alts=alts,
            media_type=file.media_type,
            width=file.width,
            height=file.height,
            widths=file.widths,
        )
        await product.become(_with_media(product.before, (*product.before.content.media, media)))


async def arrange(
    service: CatalogueService,
    caller: Caller,
    product_id: str,
    file_ids: Sequence[str],
    *,
    expected_version: int | None = None,
) -> None:
    """Let a product show these of its pictures, in this order.

    Raises:
        NotFoundError: one of them is not among them.
    """

    def arranged(product: Product) -> Product:
        known = {each.id: each for each in product.content.media}
        if any(file_id not in known for file_id in file_ids):
            raise NotFoundError("It is no picture of this product.", path=("ids",))
        return _with_media(product, [known[file_id] for file_id in file_ids])

    await service.update(caller, product_id, arranged, expected_version=expected_version)


async def describe(
    service: CatalogueService,
    caller: Caller,
    product_id: str,
    file_id: str,
    *,
    alt: str,
    alts: Mapping[str, str],
    expected_version: int | None = None,
) -> None:
    """Say what a picture of a product shows.

    Raises:
        NotFoundError: the product has no such picture.
    """

    def described(product: Product) -> Product:
        if all(each.id != file_id for each in product.content.media):
            raise NotFoundError("It is no picture of this product.", path=("mediaId",))
        media = [replace(each, alt=alt, alts=alts) if each.id == file_id else each for each in product.content.media]
        return _with_media(product, media)

    await service.update(caller, product_id, described, expected_version=expected_version)


async def render_next(service: CatalogueService) -> int:
    """Make smaller pictures of one; tell whether there was one."""
    async with service.database.session() as session:
        file = await files.to_render(session)
    if file is None:
        return 0
    rendered = await _render(service.media, file)
    async with service.database.transaction() as session:
        # The product before its picture, as everybody locks them.
        found = None if file.product_id is None else await writing.lock_product(session, file.product_id)
        if await files.settle(session, file, rendered) and found is not None:
            product, product_type = found
            await write_changed(session, product, _with_rendered(product, rendered), product_type, service.clock)
    return 1


async def forget_unclaimed(service: CatalogueService) -> int:
    """Forget uploads that were announced a day ago and never taken over; tell how many."""
    async with service.database.session() as session:
        late = await files.to_forget(session, service.clock.now() - _UNCLAIMED)
    for file in late:
        await _discard(service, file)
    return len(late)


async def _known(service: CatalogueService, caller: Caller, file_id: str) -> StoredFile:
    require(caller, roles={"vendor"})
    async with service.database.session() as session:
        file = await files.find(session, file_id)
    if file is None:
        raise NotFoundError("There is no such upload.", path=("id",))
    require_owner(caller, file.owner_id)
    return file


async def _take(service: CatalogueService, file: StoredFile) -> None:
    """Take over what was handed in, unless there is nothing, or somebody else has just taken it."""
    try:
        accepted = await _look(service.media, file)
    except InvalidInputError:
        await _discard(service, file)
        raise
    if accepted is not None:
        async with service.database.transaction() as session:
            await files.settle(session, file, accepted)
        await service.media.remove(file.incoming)


async def _look(store: MediaStore, file: StoredFile) -> StoredFile | None:
    """Copy what was handed in to where it stays, if it is what it is said to be."""
    size = await store.size(file.incoming)
    if size is None:
        return None
    domain.check_size(size, store.largest, file.media_type)
    if file.media_type in domain.TABLES:
        head = await store.part(file.incoming, 0, _HEAD)
        if head is None:
            return None
        domain.check_text(head)
        return (
            replace(file, state=FileState.READY, size=size) if await store.copy(file.incoming, file.original) else None
        )
    data = await store.read(file.incoming)
    return None if data is None else await _look_at(store, file, data)


async def _look_at(store: MediaStore, file: StoredFile, data: bytes) -> StoredFile:
    media_type = domain.sniff(data)
    if media_type != file.media_type:
        raise InvalidInputError(f"It is no {file.media_type}.", path=("file",))
    width, height = (0, 0) if media_type == domain.PDF else await asyncio.to_thread(pictures.measure, data)
    await store.write(file.original, data, media_type)
    state = FileState.READY if media_type == domain.PDF else FileState.ACCEPTED
    return replace(file, state=state, size=len(data), width=width, height=height)


async def _render(store: MediaStore, file: StoredFile) -> StoredFile:
    try:
        data = await store.read(file.original) or b""
        smaller = await asyncio.to_thread(pictures.render, data)
    except InvalidInputError as error:
        return replace(file, state=FileState.REFUSED, reason=error.message)
    for width, made in smaller.items():
        await store.write(domain.rendition_key(file.id, width), made, pictures.RENDERED)
    return replace(file, state=FileState.READY, widths=tuple(smaller))


async def _discard(service: CatalogueService, file: StoredFile) -> None:
    await service.media.remove(file.incoming)
    async with service.database.transaction() as session:
        await files.forget(session, file.id)


def _with_rendered(product: Product, file: StoredFile) -> Product:
    """Let the product show what was made of its picture, and no longer show what is broken."""
    media = [
        replace(each, widths=file.widths) if each.id == file.id else each
        for each in product.content.media
        if each.id != file.id or file.state is not FileState.REFUSED
    ]
    return _with_media(product, media)


def _with_media(product: Product, media: Sequence[Media]) -> Product:
    return replace(product, content=replace(product.content, media=tuple(media)))
