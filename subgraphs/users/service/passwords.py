"""Password hashes: slow on purpose, so computed on a few threads beside the event loop.

bcrypt reads no more than 72 bytes. Every password is therefore first reduced by HMAC-SHA256 (the `bcrypt_sha256`
scheme), so that all of its characters count. bcrypt lets go of the interpreter while it works; the number of threads
bounds how much of the machine log-ins can take, and the number of waiting jobs how long anybody waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Final, ParamSpec, TypeVar

from passlib.context import CryptContext
from passlib.exc import PasslibSecurityError, UnknownHashError

from kernel.errors import InfrastructureError
from subgraphs.users.domain.passwords import normalise_password

P = ParamSpec("P")
T = TypeVar("T")

_MOST_WAITING: Final = 200


class TooBusyError(InfrastructureError):
    """More passwords wait to be checked than can be checked soon."""

    def __init__(self) -> None:
        super().__init__("Too many log-ins at once.", retryable=True)


class PasswordHasher:
    """Hashes and verifies passwords at one cost."""

    def __init__(self, *, rounds: int, threads: int) -> None:
        self._context = CryptContext(
            schemes=["bcrypt_sha256"], bcrypt_sha256__default_rounds=rounds, bcrypt_sha256__min_rounds=rounds
        )
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="passwords")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Hash a normalised new password."""
        return await self._beside(self._hash, password)

    async def verify(self, password: str, known_hash: str | None) -> str | None:
        """Compare a password with a hash, or with a decoy of the same cost when there is none.

        Returns:
            The hash to keep, which is a new one where the cost has risen; None when the password is wrong.
        """
        return await self._beside(self._verify, normalise_password(password), known_hash)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _decoy(self) -> str:
        return str(self._context.hash("nobody's password"))

    def _hash(self, password: str) -> str:
        return str(self._context.hash(password))

    def _verify(self, password: str, known_hash: str | None) -> str | None:
        decoy = self._decoy  # made by whoever comes first, so that an unknown address is never the one to wait for it
        try:
            fits, better = self._context.verify_and_update(password, known_hash or decoy)
        except (UnknownHashError, PasslibSecurityError):
            return None
        if known_hash is None or not fits:
            return None
        return better or known_hash

    async def _beside(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._waiting >= _MOST_WAITING:
            raise TooBusyError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))
        finally:
            self._waiting -= 1


def hash_password(password: str, *, rounds: int) -> str:
    """Hash one password here and now; for seeds and commands, where nothing else waits."""
    hashed = CryptContext(schemes=["bcrypt_sha256"], bcrypt_sha256__default_rounds=rounds).hash(
        normalise_password(password)
    )
    return str(hashed)
