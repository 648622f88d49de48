"""Pictures and files over GraphQL: announcing uploads, taking them over, arranging what a product shows."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime

import strawberry

from kernel.errors import DomainError
from kernel.graphql import UserError, user_errors
from kernel.identity import require
from subgraphs.products.api.classification_inputs import LabelInput, read_labels
from subgraphs.products.api.context import Info
from subgraphs.products.api.types import Product
from subgraphs.products.domain.files import FileState, StoredFile
from subgraphs.products.service import files

strawberry.enum(FileState, name="UploadState", description="How far an upload has come.")


@strawberry.type(description="A header of a request.")
class UploadHeader:
    """A header of a request."""

    name: str
    value: str


@strawberry.type(description="How to hand in the bytes: one request with them as its body, until a time.")
class UploadTicket:
    """How to hand in the bytes."""

    id: strawberry.ID
    url: str
    method: str
    headers: list[UploadHeader]
    expires_at: datetime


@strawberry.type(description="A file that was handed in.")
class Upload:
    """A file that was handed in."""

    id: strawberry.ID
    state: FileState
    media_type: str
    size: int
    width: int | None
    height: int | None

    @classmethod
    def of(cls, file: StoredFile) -> Upload:
        """Show a file."""
        return cls(
            id=strawberry.ID(file.id),
            state=file.state,
            media_type=file.media_type,
            size=file.size,
            width=file.width or None,
            height=file.height or None,
        )


@strawberry.type(description="An upload that may begin.")
class UploadCreatePayload:
    """An upload that may begin."""

    ticket: UploadTicket | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="An upload after it was looked at.")
class UploadPayload:
    """An upload after it was looked at."""

    upload: Upload | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="A product after a change of its pictures.")
class ProductMediaPayload:
    """A product after a change of its pictures."""

    product: Product | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="A file that is to be handed in.")
class UploadCreateInput:
    """A file that is to be handed in."""

    file_name: str
    media_type: str = strawberry.field(description="JPEG, PNG, WebP, GIF or PDF.")
    size: int


@strawberry.input(description="What a picture shows, for those who do not see it.")
class PictureInput:
    """What a picture shows."""

    alt: str = ""
    alts: list[LabelInput] = strawberry.field(default_factory=list, description="The same in other languages.")


@strawberry.type
class MediaMutation:
    """Changes of pictures and files."""

    @strawberry.mutation(description="Announce a file; its bytes are then handed in where the ticket says.")
    async def upload_create(self, info: Info, input: UploadCreateInput) -> UploadCreatePayload:
        """Announce a file."""
        require(info.context.caller, roles={"vendor"})
        try:
            file_id, ticket = await files.announce(
                info.context.service, info.context.caller, input.file_name, input.media_type, input.size
            )
        except DomainError as error:
            return UploadCreatePayload(errors=user_errors(error))
        headers = [UploadHeader(name=name, value=value) for name, value in ticket.headers]
        shown = UploadTicket(
            id=strawberry.ID(file_id),
            url=ticket.url,
            method=ticket.method,
            headers=headers,
            expires_at=ticket.expires_at,
        )
        return UploadCreatePayload(ticket=shown)

    @strawberry.mutation(description="Take over what was handed in, if it is what was announced.")
    async def upload_complete(self, info: Info, id: strawberry.ID) -> UploadPayload:
        """Take over what was handed in."""
        require(info.context.caller, roles={"vendor"})
        try:
            file = await files.take_over(info.context.service, info.context.caller, id)
        except DomainError as error:
            return UploadPayload(errors=user_errors(error))
        return UploadPayload(upload=Upload.of(file))

    @strawberry.mutation(description="Add a picture that was handed in to those of a product.")
    async def product_media_add(
        self,
        info: Info,
        product_id: strawberry.ID,
        upload_id: strawberry.ID,
        input: PictureInput,
        expected_version: int | None = None,
    ) -> ProductMediaPayload:
        """Add a picture."""
        require(info.context.caller, roles={"vendor"})
        added = files.show(
            info.context.service,
            info.context.caller,
            product_id,
            upload_id,
            alt=input.alt,
            alts=read_labels(input.alts),
            expected_version=expected_version,
        )
        return await _changed(info, product_id, added)

    @strawberry.mutation(description="Let a product show these of its pictures, in this order.")
    async def product_media_set(
        self, info: Info, product_id: strawberry.ID, ids: list[strawberry.ID], expected_version: int | None = None
    ) -> ProductMediaPayload:
        """Arrange pictures."""
        require(info.context.caller, roles={"vendor"})
        arranged = files.arrange(
            info.context.service, info.context.caller, product_id, ids, expected_version=expected_version
        )
        return await _changed(info, product_id, arranged)

    @strawberry.mutation(description="Say what a picture of a product shows.")
    async def product_media_describe(
        self,
        info: Info,
        product_id: strawberry.ID,
        media_id: strawberry.ID,
        input: PictureInput,
        expected_version: int | None = None,
    ) -> ProductMediaPayload:
        """Describe a picture."""
        require(info.context.caller, roles={"vendor"})
        described = files.describe(
            info.context.service,
            info.context.caller,
            product_id,
            media_id,
            alt=input.alt,
            alts=read_labels(input.alts),
            expected_version=expected_version,
        )
        return await _changed(info, product_id, described)


async def _changed(info: Info, product_id: str, change: Awaitable[None]) -> ProductMediaPayload:
    try:
        await change
    except DomainError as error:
        return ProductMediaPayload(errors=user_errors(error))
    return ProductMediaPayload(product=await Product.load(info, product_id))
