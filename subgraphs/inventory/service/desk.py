"""Where commands of stock are carried out: each once for its key, many in one transaction.

What limits the sale of one sought-after SKU is how long its lock is held, and that is a matter of round trips
and of one commit. So commands that arrive while the desk is at work are gathered: the next transaction opens one
book for all of them, lets each decide on it in turn, and writes everything with one statement. Nobody waits for
a batch to fill: a command that finds a lane free goes alone.

A command that is refused leaves no trace in the book and spoils nothing for the others. What the database
refuses, because another process was first, is tried again, each command by itself. A key is answered from the
`commands` table, read under the same locks that its first use held.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import reduce
from hashlib import blake2b
from operator import or_
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InfrastructureError, InvalidInputError
from kernel.events.envelope import Event
from kernel.events.outbox import record_stamped, stamp
from subgraphs.inventory.domain.book import Book
from subgraphs.inventory.domain.errors import KeyReusedError
from subgraphs.inventory.service.low_stock import low_news
from subgraphs.inventory.storage.ledger import Done, Touched, open_book, write_book

Answer = TypeVar("Answer")

_TOGETHER: Final = 64
"""How many commands share a transaction at most: more would make the first of them wait for too long."""
_LANES: Final = 2
"""How many transactions this process has under way: while one commits, the next decides."""
_TRIES: Final = 5
_TRY_AGAIN: Final = frozenset({"23505", "40001", "40P01"})
"""SQLSTATEs of a unique violation, a serialisation failure and a deadlock: somebody else was first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Work on stock: what it touches, and how it decides on an open book of that.

    With a `key` it is done once, however often it is sent; what is refused is not remembered.
    """

    operation: str
    touches: Touched
    decide: Callable[[Book], Any]
    gives: Any = None
    key: str | None = None
    arguments: Any = None

    def __post_init__(self) -> None:
        if self.key is not None and not 1 <= len(self.key) <= 200:
            raise InvalidInputError("An idempotency key has from 1 to 200 characters.", path=("idempotencyKey",))

    @property
    def fingerprint(self) -> str:
        """Tell this command from another one that comes with the same key."""
        return blake2b(msgspec.json.encode(self.arguments), digest_size=16).hexdigest()


@dataclass(slots=True)
class _Waiting:
    """A command with whoever waits for it, and what caused it."""

    command: Command
    answer: asyncio.Future[Any]
    caused_by: Context = field(default_factory=copy_context)


class Desk:
    """Carries out commands on the stock of one database."""

    def __init__(self, database: Database, clock: Clock, *, lanes: int = _LANES, together: int = _TOGETHER) -> None:
        self._database = database
        self._clock = clock
        self._free_lanes = lanes
        self._together = together
        self._waiting: deque[_Waiting] = deque()
        self._at_work: set[asyncio.Task[None]] = set()

    async def do(self, command: Command) -> Any:
        """Carry a command out, or give the answer that it gave under its key before.

        The work goes on when the caller stops waiting; a key then tells what became of it.

        Raises:
            KeyReusedError: the key was used for other work.
        """
        waiting = _Waiting(command, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._free_lanes:
            self._free_lanes -= 1
            lane = asyncio.create_task(self._work(), context=Context())
            self._at_work.add(lane)
            lane.add_done_callback(self._at_work.discard)
        return await waiting.answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(self._together, len(self._waiting)))]
                await self._serve(batch)
        finally:
            self._free_lanes += 1  # in the same turn as the last look, so that no command is left waiting

    async def _serve(self, batch: Sequence[_Waiting]) -> None:
        """Carry out a batch; when the database refuses it, each of its commands by itself."""
        try:
            await self._carry_out(batch)
        except InfrastructureError as error:
            for each in batch:
                _settle(each, error)
        except Exception as error:
            if len(batch) == 1:
                await self._try_again(batch[0], error)
                return
            for each in batch:
                await self._serve([each])

    async def _try_again(self, waiting: _Waiting, error: Exception) -> None:
        for _ in range(_TRIES):
            if not (isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _TRY_AGAIN):
                break
            try:
                await self._carry_out([waiting])
            except Exception as again:
                error = again
            else:
                return
        _settle(waiting, error)

    async def _carry_out(self, batch: Sequence[_Waiting]) -> None:
        commands = [each.command for each in batch]
        touched = reduce(or_, (command.touches for command in commands))
        keys = {command.key for command in commands if command.key is not None}
        async with self._database.transaction() as session:
            book, done = await open_book(session, touched, self._clock.now(), keys)
            known, events, answers = set(done), list[Event](), list[Any]()
            for each in batch:
                answers.append(_decide(each, book, done))
                events += each.caused_by.run(_take_news, book)
            await write_book(session, book, [each for key, each in done.items() if key not in known])
            news = [*book.changes(), *await low_news(session, book)]
            await record_stamped(session, [*events, *batch[0].caused_by.run(stamp, news)])
        for each, answer in zip(batch, answers, strict=True):
            _settle(each, answer)


async def in_transaction_of(
    session: AsyncSession, clock: Clock, touches: Touched, decide: Callable[[Book], Answer]
) -> Answer:
    """Let something be decided in the caller's transaction, for consumers of events."""
    book, _ = await open_book(session, touches, clock.now())
    answer = decide(book)
    await write_book(session, book)
    await record_stamped(session, stamp([*book.news, *book.changes(), *await low_news(session, book)]))
    return answer


def _decide(waiting: _Waiting, book: Book, done: dict[str, Done]) -> Any:
    """Let one command decide; give its answer, or the error with which it was refused."""
    command = waiting.command
    try:
        if command.key is not None and command.key in done:
            return _repeat(command, done[command.key])
        with book.attempt():
            answer = waiting.caused_by.run(command.decide, book)
    except Exception as refused:
        return refused
    if command.key is not None:
        done[command.key] = Done(
            idempotency_key=command.key,
            operation=command.operation,
            fingerprint=command.fingerprint,
            result=msgspec.to_builtins(answer),
        )
    return answer


def _repeat(command: Command, done: Done) -> Any:
    if (done.operation, done.fingerprint) != (command.operation, command.fingerprint):
        raise KeyReusedError("The idempotency key was used for another command.", path=("idempotencyKey",))
    return msgspec.convert(done.result, command.gives)


def _take_news(book: Book) -> list[Event]:
    """Make events of what a command told, caused by whatever caused the command."""
    events = stamp(book.news)
    book.news.clear()
    return events


def _settle(waiting: _Waiting, outcome: Any) -> None:
    if waiting.answer.done():  # the caller has stopped waiting
        return
    if isinstance(outcome, BaseException):
        waiting.answer.set_exception(outcome)
    else:
        waiting.answer.set_result(outcome)
