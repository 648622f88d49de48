"""`storegraph events`: what was published, what could not be handled, and doing it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
from rich.console import Console
from rich.table import Table

from kernel.database import Database
from kernel.events.catalogue import CATALOGUE
from kernel.events.consumers import Consumer
from kernel.events.dead_letters import DeadLetter, dead_letters, discard_dead_letters, retry_dead_letters
from kernel.events.history import last_position, recorded, replay
from kernel.events.replay_links import ReplayLinks
from kernel.events.schemas import schema_of
from kernel.settings import Settings
from runtime.embedded.data_directory import DataDirectory
from runtime.errors import StartError
from runtime.export_schema import build_for_schema
from runtime.shop import SUBGRAPHS
from runtime.store_database import store_database

T = TypeVar("T")
_LOOK_AGAIN = 0.5


class UnknownNameError(StartError):
    """No event or consumer has that name."""

    exit_code = 2


def tail(data_dir: Path, *, types: Sequence[str], subject: str, since: datetime, follow: bool, as_json: bool) -> None:
    """Print what was published since then; with `follow`, also what comes."""
    _insist_on_types(types)

    async def read(databases: dict[str, Database]) -> None:
        # What happened in several outboxes is shown in the order of its time; what comes, as it comes.
        places = {name: await last_position(database) for name, database in databases.items()}
        events = [
            event
            for name, database in databases.items()
            async for position, event in recorded(database, since=since, types=types, subject=subject)
            if position <= places[name]
        ]
        for event in sorted(events, key=lambda each: str(each["time"])):
            _print_event(event, as_json=as_json)
        while follow:
            await asyncio.sleep(_LOOK_AGAIN)
            for name, database in databases.items():
                news = recorded(database, since=since, after=places[name], types=types, subject=subject)
                async for places[name], event in news:
                    _print_event(event, as_json=as_json)

    _run(data_dir, read)


def show_dead_letters(data_dir: Path, consumer: str, event_id: str = "") -> int:
    """Print the dead letters, or one of them with its stack; the exit code is 1 when there are any, for scripts."""

    async def read(databases: dict[str, Database]) -> int:
        table = Table("consumer", "event", "type", "subject", "attempts", "since", "reason")
        for name, database in databases.items():
            for letter in await dead_letters(database, consumer):
                if event_id == letter.event_id:
                    print(f"{letter.consumer} {letter.type} {letter.subject}\n\n{letter.reason}")
                    print(f"Replay: {letter.replay}\n{_replay_link(data_dir, name, letter)}")
                    return 1
                since = letter.settled_at.isoformat(timespec="seconds")
                reason = letter.reason.strip().splitlines()[-1:] or [""]
                table.add_row(
                    letter.consumer, letter.event_id, letter.type, letter.subject, str(letter.attempts), since, *reason
                )
        if not table.row_count:
            print("No dead letters.")
            return 0
        Console().print(table)
        print("`--event ID` shows the stack of one, and a link to a page that replays it. Mend the cause, then")
        print(
            "`storegraph events dead-letters --retry`; `--event ID --retry` takes one alone, and `--discard` gives up."
        )
        return 1

    return _run(data_dir, read)


def _replay_link(data_dir: Path, subgraph: str, letter: DeadLetter) -> str:
    """Give the page on which a browser replays it, for a week."""
    settings = Settings.load()
    key = settings.internal_key.get_secret_value() or DataDirectory(data_dir).secrets().internal_key
    return f"{settings.public_url.rstrip('/')}{ReplayLinks(subgraph, key).path(letter)}"


def settle_dead_letters(data_dir: Path, consumer: str, event_id: str, *, retry: bool) -> None:
    """Hand dead letters to their consumers again, or give them up."""
    settle = retry_dead_letters if retry else discard_dead_letters

    async def work(databases: dict[str, Database]) -> None:
        count = sum([await settle(database, consumer, event_id) for database in databases.values()])
        print(f"{count} dead letters {'are tried again' if retry else 'were given up'}.")

    _run(data_dir, work)


def replay_events(data_dir: Path, name: str, *, types: Sequence[str], since: datetime, again: bool) -> None:
    """Give a consumer what was published since then."""
    _insist_on_types(types)
    subgraph, consumer = _consumer(name)

    async def work(databases: dict[str, Database]) -> None:
        sources, target = [*databases.values()], databases[subgraph]
        count = await replay(sources, target, consumer, since=since, types=types, again=again)
        what = "are handled again" if again else "gone through; those it never had are handled now"
        print(f"{count} events for {name} {what}.")

    _run(data_dir, work)


def print_schema(name: str) -> None:
    """Print the JSON Schema of an event's body, or without a name the list of events."""
    if name:
        _insist_on_types([name])
        print(orjson.dumps(schema_of(CATALOGUE[name]), option=orjson.OPT_INDENT_2).decode())
        return
    table = Table("event", "version", "published by", "what it tells")
    for each, payload in sorted(CATALOGUE.items()):
        table.add_row(each, str(payload.version), payload.producer, (payload.__doc__ or "").split("\n")[0])
    Console().print(table)


def _run(data_dir: Path, work: Callable[[dict[str, Database]], Awaitable[T]]) -> T:
    async def connected(url: str) -> T:
        async with _databases(url) as databases:
            return await work(databases)

    with store_database(data_dir) as url:
        return asyncio.run(connected(url))


@asynccontextmanager
async def _databases(url: str) -> AsyncIterator[dict[str, Database]]:
    databases = {name: Database(url, schema=name, pool_size=1) for name in SUBGRAPHS}
    try:
        yield databases
    finally:
        for database in databases.values():
            await database.close()


def _insist_on_types(types: Sequence[str]) -> None:
    for name in types:
        if name not in CATALOGUE:
            raise UnknownNameError(f"There is no event {name!r}. There are: {', '.join(sorted(CATALOGUE))}.")


def _consumer(name: str) -> tuple[str, Consumer]:
    known = {each.name: (subgraph.name, each) for subgraph in build_for_schema() for each in subgraph.consumers}
    if name not in known:
        raise UnknownNameError(f"There is no consumer {name!r}. There are: {', '.join(sorted(known))}.")
    return known[name]


def _print_event(event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(event).decode(), flush=True)
        return
    body = orjson.dumps(event["data"]).decode()
    print(f"{event['time'][:23]}  {event['type']:<18}  {event['subject']:<38}  {body}", flush=True)
