"""Brands and their pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kernel.database import Database
from kernel.errors import InvalidInputError, NotFoundError
from kernel.ids import new_id
from subgraphs.products.domain.brands import Brand, check_brand
from subgraphs.products.service.conflicts import told_as_domain_errors
from subgraphs.products.storage import taxonomy


async def create_brand(database: Database, wanted: Brand) -> Brand:
    """Create the page of a brand.

    Raises:
        ConflictError: there is one of this name or slug.
        InvalidInputError: something of it cannot be accepted.
    """
    brand = check_brand(replace(wanted, id=new_id("brand")))
    with told_as_domain_errors():
        async with database.transaction() as session:
            await taxonomy.insert_brand(session, brand)
    return brand


async def update_brand(database: Database, brand_id: str, change: Callable[[Brand], Brand]) -> Brand:
    """Change what a brand's page says; its name is what products are known by, and stays.

    Raises:
        NotFoundError: there is no such brand.
        InvalidInputError: something of it cannot be accepted.
    """
    with told_as_domain_errors():
        async with database.transaction() as session:
            before = await taxonomy.lock_brand(session, brand_id)
            if before is None:
                raise NotFoundError("There is no such brand.", path=("id",))
            after = check_brand(change(before))
            if after.name != before.name:
                raise InvalidInputError("The name of a brand stays, since products have it.", path=("name",))
            await taxonomy.update_brand(session, after)
    return after
