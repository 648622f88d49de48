"""Proving the books and making them anew, beside a shop that sells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from subgraphs.inventory.domain.ledger import Shelf
from subgraphs.inventory.storage.feed import advance, renew
from subgraphs.inventory.storage.replay import MODELS, Model, kept, lock, put_right, replay
from subgraphs.inventory.storage.turnover import TURNOVER
from subgraphs.inventory.storage.verification import Discrepancy, find_discrepancies, next_skus

_VERIFIED_AT_ONCE: Final = 500
_REBUILT_AT_ONCE: Final = 100

Progress = Callable[[int], None]
"""Is told how many SKUs were done more."""


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild went through and what it found."""

    skus: int = 0
    entries: int = 0
    rows: int = 0
    differing: list[str] = field(default_factory=list)
    """Each row that was not what the ledger says: its table and key."""


async def verify(database: Database, progress: Progress = lambda _done: None) -> list[Discrepancy]:
    """Prove that levels, ledger, reservations and allocations agree; empty when they do."""
    found: list[Discrepancy] = []
    async for skus in _portions(database, _VERIFIED_AT_ONCE):
        async with database.session() as session:
            found += await find_discrepancies(session, skus)
        progress(len(skus))
    return found


async def rebuild(database: Database, progress: Progress = lambda _done: None, *, mend: bool = True) -> Rebuilt:
    """Make every read model from the ledger and compare it with what is kept; what differs is put right if wished.

    The ledger of a portion of SKUs is replayed without a lock; only what came meanwhile, the comparison and the
    mending happen under the locks that any command takes.
    """
    rebuilt = Rebuilt()
    async for skus in _portions(database, _REBUILT_AT_ONCE):
        async with database.transaction() as session:
            await _rebuild(session, skus, rebuilt, mend=mend)
        rebuilt.skus += len(skus)
        progress(len(skus))
    return rebuilt


async def project(database: Database) -> int:
    """Let the projections of the ledger follow it a portion further; tell how many entries that were."""
    async with database.transaction() as session:
        return await advance(session, TURNOVER)


async def renew_projections(database: Database) -> int:
    """Make the projections of the ledger anew from its first entry; tell how many entries that were."""
    async with database.transaction() as session:
        return await renew(session, TURNOVER)


async def _rebuild(session: AsyncSession, skus: Sequence[str], rebuilt: Rebuilt, *, mend: bool) -> None:
    shelf = Shelf()
    rebuilt.entries += await replay(session, skus, shelf)
    await lock(session, skus)
    rebuilt.entries += await replay(session, skus, shelf)
    for model in MODELS:
        await _compare(session, model, skus, shelf, rebuilt, mend=mend)


async def _compare(
    session: AsyncSession, model: Model, skus: Sequence[str], shelf: Shelf, rebuilt: Rebuilt, *, mend: bool
) -> None:
    there, due = await kept(session, model, skus), model.rows(shelf)
    wrong = {key: row for key, row in due.items() if there.get(key) != row}
    superfluous = sorted(there.keys() - due.keys())
    rebuilt.rows += len(due)
    rebuilt.differing += [f"{model.table.name} {' '.join(key)}" for key in (*sorted(wrong), *superfluous)]
    if mend:
        await put_right(session, model, wrong, superfluous)


async def _portions(database: Database, size: int) -> AsyncIterator[list[str]]:
    after = ""
    while True:
        async with database.session() as session:
            skus = await next_skus(session, after, size)
        if not skus:
            return
        yield skus
        after = skus[-1]
