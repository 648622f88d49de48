"""What every subgraph does when somebody asks for their data, or for its end.

A subgraph says by which SQL it collects and erases what it keeps about a person; the consumer made here does the rest:
it answers the events of the users subgraph, and blanks the personal fields of every event that is kept in its own
outbox and inbox. Erasure comes in two rounds, because an event may still be on its way during the first.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, cast, get_type_hints

import orjson
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.events.catalogue import (
    CATALOGUE,
    Payload,
    PersonalDataCollected,
    PersonalDataErased,
    PostalAddress,
    UserDataExportRequested,
    UserEmailVerified,
    UserErased,
    UserErasureRequested,
)
from kernel.events.consumers import Consumer
from kernel.events.envelope import Event
from kernel.events.outbox import record
from kernel.sealing import derive, seal, unseal
from kernel.settings import Settings

Statements = Mapping[str, str]
"""SQL by the name of what it is about; `:user_id` is the person's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalData:
    """What a subgraph keeps about people, as SQL in its own schema; each statement runs in the event's transaction.

    Attributes:
        collect: queries of everything that is kept about a person.
        erase: what removes it, or makes it anonymous, in this order; run twice, it does no harm.
        take_over: what gives a person what a guest did under their address (`:email`), once that is proven theirs.
    """

    collect: Statements
    erase: Statements
    take_over: Statements = field(default_factory=dict[str, str])


def export_key(settings: Settings) -> bytes:
    """Give the key under which collected data travels to the users subgraph."""
    return derive(settings.internal_key.get_secret_value().encode(), "personal data on its way")


def open_collected(key: bytes, collected: PersonalDataCollected) -> dict[str, Any]:
    """Read what a subgraph collected."""
    return orjson.loads(unseal(key, b64decode(collected.sealed_content), context=collected.request_id))


def personal_data_consumer(subgraph: str, data: PersonalData, settings: Settings) -> Consumer:
    """Subscribe a subgraph to requests about personal data."""
    key = export_key(settings)

    async def erase(event: Event, session: AsyncSession) -> None:
        asked = cast("UserErasureRequested", event.data)
        rows = {**await _erase_rows(session, data.erase, asked.user_id), **await blank_events(session, asked.user_id)}
        done = PersonalDataErased(user_id=asked.user_id, request_id=asked.request_id, subgraph=subgraph, rows=rows)
        await record(session, done, subject=asked.user_id)

    async def erase_again(event: Event, session: AsyncSession) -> None:
        user_id = cast("UserErased", event.data).user_id
        await _erase_rows(session, data.erase, user_id)
        await blank_events(session, user_id)

    async def collect(event: Event, session: AsyncSession) -> None:
        asked = cast("UserDataExportRequested", event.data)
        content = orjson.dumps(await _collect_rows(session, data.collect, asked.user_id), default=str)
        sealed = b64encode(seal(key, content, context=asked.request_id)).decode()
        collected = PersonalDataCollected(
            user_id=asked.user_id, request_id=asked.request_id, subgraph=subgraph, sealed_content=sealed
        )
        await record(session, collected, subject=asked.user_id)

    async def take_over(event: Event, session: AsyncSession) -> None:
        verified = cast("UserEmailVerified", event.data)
        for statement in data.take_over.values():
            await session.execute(text(statement), {"user_id": verified.user_id, "email": verified.email})

    return Consumer(
        name=f"{subgraph}.personal-data",
        subscriptions={
            "UserErasureRequested": erase,
            "UserErased": erase_again,
            "UserDataExportRequested": collect,
            "UserEmailVerified": take_over,
        },
    )


async def _collect_rows(session: AsyncSession, statements: Statements, user_id: str) -> dict[str, Any]:
    """Collect what these queries find about a person, by their names."""
    found: dict[str, Any] = {}
    for name, statement in statements.items():
        rows = (await session.execute(text(statement), {"user_id": user_id})).mappings()
        found[name] = [dict(row) for row in rows]
    return found


async def _erase_rows(session: AsyncSession, statements: Statements, user_id: str) -> dict[str, int]:
    """Run statements that end what is kept about a person, in their order; tell how many rows each changed."""
    counts: dict[str, int] = {}
    for name, statement in statements.items():
        changed = await session.execute(text(f"{statement} RETURNING 1"), {"user_id": user_id})
        counts[name] = len(changed.all())
    return counts


async def blank_events(session: AsyncSession, user_id: str, *, also_subject: str = "") -> dict[str, int]:
    """Blank the personal fields of this person's events in the outbox and the inbox; tell how many there were.

    `also_subject` names another subject whose events are about this person and about nobody else; they are deleted.
    """
    counts: dict[str, int] = {}
    for table in ("outbox", "inbox"):
        blanked = await session.execute(_BLANK[table], {"user_id": user_id, "blanks": _blanks()})
        counts[table] = len(blanked.all())
        if also_subject:
            await session.execute(_DELETE[table], {"subject": also_subject})
    return counts


_BLANK: Final = {
    table: text(
        f"""
        UPDATE {table} SET event = jsonb_set(event, '{{data}}', (event -> 'data') || (:blanks -> type)) {also}
        WHERE :blanks ? type AND :user_id IN (event #>> '{{data,user_id}}', event #>> '{{data,customer_id}}')
        RETURNING 1
        """  # noqa: S608 # our own names of two tables
    ).bindparams(bindparam("blanks", type_=JSONB))
    for table, also in (("outbox", ""), ("inbox", ", reason = NULL"))
}
_DELETE: Final = {
    table: text(f"DELETE FROM {table} WHERE subject = :subject")  # noqa: S608 # as above
    for table in ("outbox", "inbox")
}


def _blanks() -> dict[str, dict[str, Any]]:
    return {name: _blank(payload) for name, payload in CATALOGUE.items() if payload.personal}


def _blank(payload: type[Payload]) -> dict[str, Any]:
    hints = get_type_hints(payload)
    nowhere = {each.name: "" for each in fields(PostalAddress)}
    return {name: nowhere if hints[name] is PostalAddress else "" for name in payload.personal}
