"""Commands that were carried out, so that a repetition is answered instead of done again.

A key is claimed in the transaction of the command itself. A second command under the same key waits for the
first: when that commits, the second reads its answer; when it fails, the key is free again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.errors import KeyReusedError
from subgraphs.inventory.storage.tables import commands


async def claim(session: AsyncSession, key: str, operation: str, fingerprint: str) -> Any:
    """Claim a key, or give the answer of the command that has done this already.

    Raises:
        KeyReusedError: the key belongs to another command.
    """
    claimed = await session.execute(
        insert(commands)
        .values(idempotency_key=key, operation=operation, fingerprint=fingerprint)
        .on_conflict_do_nothing()
        .returning(commands.c.idempotency_key)
    )
    if claimed.scalar() is not None:
        return None
    done = (await session.execute(select(commands).where(commands.c.idempotency_key == key))).one()
    if (done.operation, done.fingerprint) != (operation, fingerprint):
        raise KeyReusedError("The idempotency key was used for another command.", path=("idempotencyKey",))
    return done.result


async def answer(session: AsyncSession, key: str, result: Any) -> None:
    """Keep what a claimed command gave."""
    await session.execute(update(commands).where(commands.c.idempotency_key == key).values(result=result))
