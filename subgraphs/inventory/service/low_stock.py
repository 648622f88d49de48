"""Telling that a level is low: once, in the transaction that made it so, and again only after it has recovered."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import StockLevelLow
from subgraphs.inventory.domain.book import Book, News
from subgraphs.inventory.storage.low_stock import newly_low


async def low_news(session: AsyncSession, book: Book) -> list[News]:
    """Tell of the levels of a book that have become low; nothing is asked of the database unless one crossed over."""
    moves = [(before, after) for before, after in book.moves() if before is not None]
    return [
        (
            level.sku,
            StockLevelLow(
                sku=level.sku,
                warehouse_id=level.warehouse_id,
                available=level.available,
                reorder_point=level.reorder_point,
            ),
        )
        for level in await newly_low(session, moves, book.now)
    ]
