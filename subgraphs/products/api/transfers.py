"""Imports and exports of products in bulk over GraphQL: begun, and looked at while a worker is at them."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Self

import strawberry

from kernel.errors import DomainError
from kernel.graphql import Connection, CurrencyCode, UserError, connection, user_errors
from kernel.identity import require
from kernel.pagination import Page
from subgraphs.products.api.context import Info
from subgraphs.products.api.types import DEFAULT_CURRENCY
from subgraphs.products.domain.transfers import filed, transfer
from subgraphs.products.domain.transfers.filed import FileFormat
from subgraphs.products.domain.transfers.transfer import TransferKind, TransferState
from subgraphs.products.service import transfers
from subgraphs.products.storage import transfers as storage

strawberry.enum(FileFormat, name="ProductFileFormat", description="How products are spelled in a file.")
strawberry.enum(TransferKind, description="In which direction products go.")
strawberry.enum(TransferState, description="Whether there is something left to do.")


@strawberry.type(description="What there is to say about a line of a file.")
class TransferRemark:
    """What there is to say about a line of a file."""

    line: int
    handle: str = strawberry.field(description="The product that it is about, as far as the line tells.")
    reason: str

    @classmethod
    def of(cls, remark: filed.Remark) -> Self:
        """Show it."""
        return cls(line=remark.line, handle=remark.handle, reason=remark.reason)


@strawberry.type(description="An import or export of products, under way or over.")
class ProductTransfer:
    """An import or export of products."""

    own: strawberry.Private[transfer.Transfer]
    id: strawberry.ID
    kind: TransferKind
    format: FileFormat
    currency: CurrencyCode
    state: TransferState
    progress: float = strawberry.field(description="How much of the file was read, from 0 to 1.")
    created: int
    updated: int
    unchanged: int
    refused: int = strawberry.field(description="Products that could not be accepted; the remarks say why.")
    exported: int
    reason: str | None = strawberry.field(description="Why it failed.")
    created_at: datetime
    finished_at: datetime | None

    @strawberry.field(description="Where the file of an export is, for an hour at least, once it is whole.")
    def url(self, info: Info) -> str | None:
        """Sign its address."""
        return transfers.url_of(info.context.service, self.own)

    @strawberry.field(description="What there is to say about lines of the file, in their order.")
    async def remarks(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[TransferRemark]:
        """List the remarks."""
        async with info.context.service.database.session() as session:
            found = await storage.page_of_remarks(session, Page(first=first, after=after), self.id)
        return connection(found.map(TransferRemark.of))

    @classmethod
    def of(cls, own: transfer.Transfer) -> Self:
        """Show it."""
        return cls(
            own=own,
            id=strawberry.ID(own.id),
            kind=own.kind,
            format=own.format,
            currency=CurrencyCode(own.currency),
            state=own.state,
            progress=own.progress,
            created=own.created,
            updated=own.updated,
            unchanged=own.unchanged,
            refused=own.refused,
            exported=own.exported,
            reason=own.reason,
            created_at=own.created_at,
            finished_at=own.finished_at,
        )


@strawberry.type(description="An import or export after it was begun.")
class ProductTransferPayload:
    """An import or export after it was begun."""

    transfer: ProductTransfer | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="A file of products to be brought in.")
class ProductsImportInput:
    """A file of products to be brought in."""

    upload_id: strawberry.ID
    format: FileFormat
    currency: CurrencyCode = strawberry.field(default=DEFAULT_CURRENCY, description="Of prices that name none.")


@strawberry.input(description="How products are to be written.")
class ProductsExportInput:
    """How products are to be written."""

    format: FileFormat
    currency: CurrencyCode = strawberry.field(default=DEFAULT_CURRENCY, description="Of the prices in a CSV file.")


@strawberry.type
class TransferQuery:
    """Looks at imports and exports."""

    @strawberry.field(description="An import or export, for whoever began it and for the staff.")
    async def product_transfer(self, info: Info, id: strawberry.ID) -> ProductTransfer | None:
        """Find a transfer."""
        found = await transfers.get(info.context.service, info.context.caller, id)
        return None if found is None else ProductTransfer.of(found)

    @strawberry.field(description="Imports and exports, the newest first; vendors see their own.")
    async def product_transfers(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[ProductTransfer]:
        """List transfers."""
        caller = info.context.caller
        require(caller, roles={"vendor"})
        owner_id = caller.id if caller.kind == "vendor" else None
        async with info.context.service.database.session() as session:
            found = await storage.page(session, Page(first=first, after=after), owner_id)
        return connection(found.map(ProductTransfer.of))


@strawberry.type
class TransferMutation:
    """Begins imports and exports."""

    @strawberry.mutation(description="Bring in the products of a file that was handed in; the same upload only once.")
    async def products_import(self, info: Info, input: ProductsImportInput) -> ProductTransferPayload:
        """Begin an import."""
        caller = info.context.caller
        require(caller, roles={"vendor"})
        service = info.context.service
        return await _begun(transfers.begin_import(service, caller, input.upload_id, input.format, input.currency))

    @strawberry.mutation(description="Write all products, or those of the vendor who asks, into a file.")
    async def products_export(self, info: Info, input: ProductsExportInput) -> ProductTransferPayload:
        """Begin an export."""
        caller = info.context.caller
        require(caller, roles={"vendor"})
        return await _begun(transfers.begin_export(info.context.service, caller, input.format, input.currency))


async def _begun(beginning: Awaitable[transfer.Transfer]) -> ProductTransferPayload:
    try:
        begun = await beginning
    except DomainError as error:
        return ProductTransferPayload(errors=user_errors(error))
    return ProductTransferPayload(transfer=ProductTransfer.of(begun))
