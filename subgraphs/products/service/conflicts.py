"""What the database refuses, told as errors of the domain by the name of the violated constraint."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import IntegrityError

from kernel.database import constraint_name
from kernel.errors import ConflictError, DomainError, NotFoundError

_MEANINGS: Final[dict[str, DomainError]] = {
    "products_slug": ConflictError("Another product has this slug.", code="DUPLICATE_SLUG", path=("slug",)),
    "categories_slug": ConflictError("Another category has this slug.", code="DUPLICATE_SLUG", path=("slug",)),
    "collections_slug": ConflictError("Another collection has this slug.", code="DUPLICATE_SLUG", path=("slug",)),
    "brands_slug": ConflictError("Another brand has this slug.", code="DUPLICATE_SLUG", path=("slug",)),
    "brands_name": ConflictError("Another brand has this name.", code="ALREADY_EXISTS", path=("name",)),
    "variants_sku": ConflictError("Another variant has this SKU.", code="DUPLICATE_SKU", path=("sku",)),
    "vouchers_pkey": ConflictError("Another voucher has this code.", code="ALREADY_EXISTS", path=("code",)),
    "products_category": NotFoundError("There is no such category.", path=("categoryId",)),
    "categories_parent": NotFoundError("There is no such category.", path=("parentId",)),
    "collection_products_product": NotFoundError("There is no such product.", path=("productIds",)),
    "collection_products_collection": NotFoundError("There is no such collection.", path=("id",)),
}


@contextmanager
def told_as_domain_errors() -> Generator[None]:
    """Translate violated constraints inside the block."""
    try:
        yield
    except IntegrityError as error:
        meaning = _MEANINGS.get(constraint_name(error) or "")
        if meaning is None:
            raise
        raise type(meaning)(meaning.message, code=meaning.code, path=meaning.path) from error
