"""Password hashes: slow on purpose, so computed on a few threads beside the event loop.

bcrypt reads no more than 72 bytes. Every password is therefore first reduced by HMAC-SHA256 (the `bcrypt_sha256`
scheme), so that all of its characters count. bcrypt lets go of the interpreter while it works; the number of threads
bounds how much of the machine log-ins can take, and their low priority lets everything else go first. Nobody waits
longer than `patience`: by what a hash cost lately, whoever would is told at once to come again.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Final, ParamSpec, TypeVar

from passlib.context import CryptContext
from passlib.exc import PasslibSecurityError, UnknownHashError

from subgraphs.users.domain.errors import TooManyAttemptsError
from subgraphs.users.domain.passwords import normalise_password

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE: Final = 2.0
_NICENESS: Final = 19
_OF_THE_NEWEST: Final = 0.2
"""How much the newest hash counts in the moving average of what one costs."""


class PasswordHasher:
    """Hashes and verifies passwords at one cost.

    Args:
        rounds: the binary logarithm of bcrypt's iterations.
        threads: how many hashes are computed at a time.
        patience: the longest that anybody waits for their turn, in seconds.
    """

    def __init__(self, *, rounds: int, threads: int, patience: float = _PATIENCE) -> None:
        self._context = CryptContext(
            schemes=["bcrypt_sha256"], bcrypt_sha256__default_rounds=rounds, bcrypt_sha256__min_rounds=rounds
        )
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="passwords", initializer=_step_back)
        self._places = threads
        self._patience = patience
        self._waiting = 0
        self._seconds_each = 0.25 * 2.0 ** (rounds - 12)

    def insist_on_room(self) -> None:
        """Let pass who would get their turn soon.

        Raises:
            TooManyAttemptsError: too many passwords wait already.
        """
        wait = self._waiting // self._places * self._seconds_each
        if wait > self._patience:
            raise TooManyAttemptsError(math.ceil(wait))

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
        self.insist_on_room()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: self._timed(work, *args, **kwargs)
            )
        finally:
            self._waiting -= 1

    def _timed(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        begun = time.perf_counter()
        try:
            return work(*args, **kwargs)
        finally:
            self._seconds_each += _OF_THE_NEWEST * (time.perf_counter() - begun - self._seconds_each)


def _step_back() -> None:
    """Give this thread a low priority; Linux counts niceness by thread, elsewhere it stays as it is."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def hash_password(password: str, *, rounds: int) -> str:
    """Hash one password here and now; for seeds and commands, where nothing else waits."""
    hashed = CryptContext(schemes=["bcrypt_sha256"], bcrypt_sha256__default_rounds=rounds).hash(
        normalise_password(password)
    )
    return str(hashed)
