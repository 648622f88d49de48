"""Documents of products over GraphQL: written as a whole, and found by what they say."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.scalars import JSON

from kernel.errors import DomainError, InvalidInputError
from kernel.graphql import Connection, UserError, connection, user_errors
from kernel.identity import require
from kernel.pagination import Page
from subgraphs.products.api.context import Info, audience_of
from subgraphs.products.api.types import Product
from subgraphs.products.domain.documents import fact
from subgraphs.products.service import documents

MAX_FACTS = 10


@strawberry.input(description="Something that a document says: a value under a path, such as `material.upper`.")
class DocumentFactInput:
    """Something that a document says."""

    path: str = strawberry.field(description="Keys from the top, with dots between them; lists are passed through.")
    value: str = strawberry.field(description="A text whose case does not matter, a number, or true or false.")


@strawberry.type(description="A product after a change of its document.")
class ProductDocumentPayload:
    """A product after a change of its document."""

    product: Product | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class DocumentQuery:
    """Finds products by their documents."""

    @strawberry.field(
        description="Products whose documents say all of this, by their ids; what was just written comes later."
    )
    async def products_by_document(
        self, info: Info, facts: list[DocumentFactInput], first: int | None = None, after: str | None = None
    ) -> Connection[Product]:
        """Find products."""
        if not 0 < len(facts) <= MAX_FACTS:
            raise InvalidInputError(f"Ask for 1 to {MAX_FACTS} facts.", path=("facts",))
        page = Page(first=first, after=after)
        said = [fact(each.path, each.value) for each in facts]
        found = await documents.find(info.context.service, said, page, audience_of(info.context.caller))
        entries = await info.context.loaders.product.load_many(list(found.items))
        known = {entry.id: entry for entry in entries if entry is not None}
        return connection(found.map(lambda product_id: Product.of(known[product_id])))


@strawberry.type
class DocumentMutation:
    """Changes documents."""

    @strawberry.mutation(
        description="Replace the document of a product by an object of any shape; expectedVersion 0 expects none."
    )
    async def product_document_set(
        self, info: Info, id: strawberry.ID, content: JSON, expected_version: int | None = None
    ) -> ProductDocumentPayload:
        """Replace a document."""
        caller, service = info.context.caller, info.context.service
        require(caller, roles={"vendor"})
        given: Any = content
        try:
            await documents.write(service, caller, id, given, expected_version=expected_version)
        except DomainError as error:
            return ProductDocumentPayload(errors=user_errors(error))
        return ProductDocumentPayload(product=await Product.load(info, id))
