"""Publishes what is due and takes back what is over: a change of each product like any other, told to everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kernel.clock import Clock
from kernel.database import Database
from subgraphs.products.service.catalogue import write_changed
from subgraphs.products.storage import writing

_AT_ONCE: Final = 100


async def keep_windows(database: Database, clock: Clock) -> int:
    """Do what is due by now for some products; tell for how many."""
    now = clock.now()
    async with database.transaction() as session:
        due = await writing.due_for_publication(session, now, _AT_ONCE)
        for product_id in due:
            found = await writing.lock_product(session, product_id)
            if found is not None:
                product, product_type = found
                await write_changed(
                    session, product, replace(product, content=product.content.at(now)), product_type, clock
                )
    return len(due)
