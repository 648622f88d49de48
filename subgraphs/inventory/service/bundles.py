"""Bundles: SKUs that have no stock of their own but are put together from others when they are sold."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from kernel.database import Database
from kernel.errors import ConflictError, InvalidInputError
from subgraphs.inventory.storage import catalogue

MAX_PARTS = 20


async def set_bundle(database: Database, sku: str, parts: Sequence[tuple[str, int]]) -> None:
    """Say what a bundle is put together from; without parts the SKU is a bundle no more.

    Raises:
        ConflictError: the SKU has stock of its own or is a part of a bundle, or a part is a bundle.
    """
    wanted = dict(parts)
    if len(wanted) != len(parts) or len(parts) > MAX_PARTS or sku in wanted:
        raise InvalidInputError(f"A bundle has up to {MAX_PARTS} different parts.", path=("parts",))
    if not 1 <= len(sku) <= 250 or any(not 1 <= quantity <= 1000 for quantity in wanted.values()):
        raise InvalidInputError("A part comes from 1 to 1000 times.", path=("parts",))
    async with database.transaction() as session:
        # Two that are set at once could make a bundle of bundles.
        await session.execute(text("LOCK TABLE bundles IN SHARE ROW EXCLUSIVE MODE"))
        if wanted and not await catalogue.may_be_bundle(session, sku, list(wanted)):
            raise ConflictError("Bundles have no stock of their own and no bundles in them.", code="INVALID_STATE")
        await catalogue.set_bundle(session, sku, wanted)
