"""`storegraph tokens`: the list of what is revoked, in the Redis of the settings or of the store that runs here."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import jwt
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from kernel.settings import Settings
from router.policy.revocation import Revocations
from router.policy.token_settings import RevocationSettings
from runtime.embedded.data_directory import DataDirectory
from runtime.embedded.valkey import valkey_url
from runtime.errors import StartError, StoreNotReadyError

T = TypeVar("T")

_KINDS = ("jti:", "sid:", "sub:")


class NoTokenError(StartError):
    """It is neither a name nor a token that could be told from others."""


def revoke_tokens(data_dir: Path, what: str, minutes: float) -> None:
    """Revoke, and say what."""
    name = _name(what)
    _work(data_dir, lambda revoked: revoked.revoke(name, minutes * 60))
    print(f"Routers refuse {name} for {minutes:g} minutes.")


def restore_tokens(data_dir: Path, what: str) -> None:
    """Take a revocation back, and say whether there was one."""
    name = _name(what)
    was = _work(data_dir, lambda revoked: revoked.restore(name))
    print(f"{name} holds again." if was else f"{name} was not revoked.")


def list_tokens(data_dir: Path) -> None:
    """Print what is revoked."""
    found = _work(data_dir, lambda revoked: revoked.listed())
    if not found:
        print("Nothing is revoked.")
        return
    table = Table("revoked", "until")
    for name, until in found:
        table.add_row(name, datetime.fromtimestamp(until, UTC).isoformat(timespec="seconds"))
    Console().print(table)


def _name(what: str) -> str:
    """Return the name under which something is revoked; a token goes by its number."""
    text = sys.stdin.read().strip() if what == "-" else what
    if text.startswith(_KINDS) and len(text) > len(_KINDS[0]):
        return text
    try:
        number = jwt.decode(text.removeprefix("Bearer "), options={"verify_signature": False}).get("jti")
    except jwt.PyJWTError:
        number = None
    if not isinstance(number, str):
        raise NoTokenError("Say jti:ID, sid:ID or sub:ID, or give a token that has a number (jti).")
    return f"jti:{number}"


def _work(data_dir: Path, work: Callable[[Revocations], Awaitable[T]]) -> T:
    async def run() -> T:
        revoked = Revocations(RevocationSettings(redis=_redis_url(data_dir)))
        try:
            return await work(revoked)
        except (RedisError, OSError) as error:
            raise StoreNotReadyError(f"Redis cannot be reached: {error}.") from error
        finally:
            await revoked.aclose()

    return asyncio.run(run())


def _redis_url(data_dir: Path) -> str:
    settings = Settings.load()
    if settings.redis_url:
        return settings.redis_url
    directory = DataDirectory(data_dir)
    if not directory.held():
        raise StoreNotReadyError(
            f"No store runs in {directory.root}. Set STOREGRAPH_REDIS_URL, or name its --data-dir."
        )
    return valkey_url(directory)
