"""`storegraph saga`: the work behind orders, beside a store that runs or while it is down."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from kernel.clock import SystemClock
from kernel.database import Database
from kernel.errors import DomainError
from kernel.pagination import Page
from runtime.errors import StartError
from runtime.store_database import store_database
from subgraphs.orders.domain.resolution import Verdict, verdicts, waiting_for
from subgraphs.orders.domain.saga import Saga, StepName
from subgraphs.orders.domain.status import SagaStatus
from subgraphs.orders.service.oversight import SagaOversight

T = TypeVar("T")
Name = TypeVar("Name", bound=StrEnum)

_UNFINISHED = (SagaStatus.RUNNING, SagaStatus.WAITING, SagaStatus.COMPENSATING)


class RefusedError(StartError):
    """The saga is not there, or this cannot be done with it."""


def list_sagas(data_dir: Path, *, everything: bool, first: int) -> None:
    """Print sagas, the newest first."""
    statuses = () if everything else _UNFINISHED
    page = _work(data_dir, lambda oversight: oversight.page(Page(first=first), statuses))
    if not page.items:
        print("No sagas." if everything else "Every saga has ended.")
        return
    table = Table("saga", "kind", "order", "status", "waits for", "tries", "since")
    for saga in page.items:
        since = saga.created_at.isoformat(timespec="seconds") if saga.created_at else ""
        table.add_row(saga.id, saga.kind, saga.order_id, saga.status, waiting_for(saga) or "", str(saga.tries), since)
    Console().print(table)


def show_saga(data_dir: Path, saga_id: str) -> None:
    """Print a saga step by step."""
    saga = _work(data_dir, lambda oversight: oversight.get(saga_id))
    if saga is None:
        raise RefusedError("No such saga.")
    _print(saga)


def retry_saga(data_dir: Path, saga_id: str) -> None:
    """Let a saga be carried on now."""
    _work(data_dir, lambda oversight: oversight.retry(saga_id))
    print("It is carried on at the next look for sagas, or when the store is up again.")


def resolve_saga(data_dir: Path, saga_id: str, *, step: str, verdict: str, payment: str) -> None:
    """Say what became of the step that a saga waits for."""
    named, said = _one_of(StepName, step), _one_of(Verdict, verdict)
    result = {"payment_id": payment} if payment else {}
    who = f"operator {getpass.getuser()}"
    _print(_work(data_dir, lambda oversight: oversight.resolve(saga_id, named, said, by=who, result=result)))


def _work(data_dir: Path, work: Callable[[SagaOversight], Awaitable[T]]) -> T:
    async def connected(url: str) -> T:
        async with Database(url, schema="orders", pool_size=1) as database:
            return await work(SagaOversight(database, SystemClock()))

    with store_database(data_dir) as url:
        try:
            return asyncio.run(connected(url))
        except DomainError as error:
            raise RefusedError(error.message) from error


def _one_of(names: type[Name], text: str) -> Name:
    try:
        return names(text.upper())
    except ValueError:
        raise RefusedError(f"{text!r} is none of {', '.join(names)}.") from None


def _print(saga: Saga) -> None:
    print(f"{saga.id}  {saga.kind}  {saga.status}  order {saga.order_id}  attempt {saga.attempt}, tries {saga.tries}")
    if saga.failure is not None:
        print(f"turned round: {saga.failure.code}: {saga.failure.message}")
    table = Table("step", "status", "finished", "result")
    for step in saga.steps:
        finished = step.finished_at.isoformat(timespec="seconds") if step.finished_at else ""
        brought = ", ".join(f"{name}: {value}" for name, value in step.result.items())
        table.add_row(step.name, step.status, finished, brought)
    Console().print(table)
    allowed = " or ".join(sorted(verdicts(saga)))
    if allowed:
        print(f"waits for {waiting_for(saga)}, which may be decided by hand: {allowed}")
