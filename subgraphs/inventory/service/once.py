"""Doing a command once for each key, however often it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.errors import InvalidInputError
from subgraphs.inventory.storage import commands

Answer = TypeVar("Answer")


async def once(
    database: Database,
    key: str,
    operation: str,
    arguments: Any,
    *,
    work: Callable[[AsyncSession], Awaitable[Answer]],
    gives: type[Answer],
) -> Answer:
    """Do the work in a transaction of its own, or give the answer that it gave under this key before.

    What raises is not remembered: the same key may be tried again.

    Raises:
        KeyReusedError: the key was used for other work.
    """
    if not 1 <= len(key) <= 200:
        raise InvalidInputError("An idempotency key has from 1 to 200 characters.", path=("idempotencyKey",))
    fingerprint = blake2b(msgspec.json.encode(arguments), digest_size=16).hexdigest()
    async with database.transaction() as session:
        done = await commands.claim(session, key, operation, fingerprint)
        if done is not None:
            return msgspec.convert(done, gives)
        answer = await work(session)
        await commands.answer(session, key, msgspec.to_builtins(answer))
        return answer
