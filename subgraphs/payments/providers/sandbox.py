"""The sandbox provider: a payment service of our own whose answers are chosen by the token (see `script.py`).

It keeps its own records, as a provider would, so a lost answer can be asked for and a key acts once. Its webhooks are
signed and go through the same door as anybody's.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, RowMapping, Select, Table, case, delete, insert, select, union_all, update
from sqlalchemy import literal as value
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.money import Money
from kernel.webhooks import sign, verify
from subgraphs.payments.domain.errors import OutcomeUnknownError
from subgraphs.payments.domain.provider import (
    Accepted,
    ActionRequired,
    Answer,
    Authorized,
    ChargeAnswer,
    Declined,
    DisputeStage,
    ProviderEvent,
    Record,
    RecordKind,
    Voided,
)
from subgraphs.payments.providers.sandbox_messages import charge_message, dispute_message, read_message
from subgraphs.payments.providers.script import Dispute, Script, Silence, script_of
from subgraphs.payments.storage.tables import sandbox_charges, sandbox_disputes, sandbox_refunds, sandbox_webhooks

NAME: Final = "sandbox"
SIGNATURE: Final = "storegraph-signature"
"""The header of its webhooks."""

_WORTH_ANOTHER_TRY: Final = frozenset({"insufficient_funds", "processing_error", "issuer_unavailable"})
_BATCH: Final = 50

Deliver = Callable[[str, Mapping[str, str], bytes], Awaitable[str]]


class SandboxProvider:
    """A provider whose answers are programmed by the token."""

    name = NAME

    def __init__(self, database: Database, clock: Clock, *, secret: str = NAME, page: str = "") -> None:
        self._database = database
        self._clock = clock
        self._secret = secret
        self._page = page

    async def charge(self, key: str, amount: Money, token: str, *, capture: bool = True) -> ChargeAnswer:
        """Take an amount, or hold it, or decline, or fall silent, as the token says."""
        script = script_of(token)
        row = await self._remember_charge(key, amount, token, script, capture=capture)
        if script.silence == Silence.ALWAYS or (script.silence != Silence.NEVER and row["requests"] == 1):
            raise OutcomeUnknownError("The sandbox provider did not answer.")
        return self._answer(row)

    async def find_charge(self, key: str) -> ChargeAnswer | None:
        """Tell what became of a charge."""
        row = await self._row(sandbox_charges.c.key == key)
        return None if row is None or not row["state"] else self._answer(row)

    async def capture(self, key: str, reference: str, amount: Money) -> Answer:
        """Take what is held, or a part of it; a second capture finds nothing held."""
        del key  # a charge is captured once, whoever asks
        row = await self._known(reference)
        taken = (amount.minor + 1) // 2 if script_of(row["script"]).halves_captures else amount.minor
        taking = update(sandbox_charges).where(
            sandbox_charges.c.reference == reference, sandbox_charges.c.state == "AUTHORIZED"
        )
        async with self._database.transaction() as session:
            await session.execute(taking.values(state="CHARGED", charged=True, captured_minor=taken))
        row = await self._known(reference)
        if row["state"] != "CHARGED":
            return Declined("nothing_held")
        return Accepted(reference, Money(row["captured_minor"], row["currency"]), _fee(row))

    async def void(self, key: str, reference: str) -> Voided | Declined:
        """Let go of what is held; doing so again changes nothing."""
        del key
        letting = update(sandbox_charges).where(
            sandbox_charges.c.reference == reference, sandbox_charges.c.state.in_(("AUTHORIZED", "AWAITING"))
        )
        async with self._database.transaction() as session:
            await session.execute(letting.values(state="VOIDED"))
        row = await self._known(reference)
        return Voided(reference) if row["state"] == "VOIDED" else Declined("nothing_held")

    async def refund(self, key: str, reference: str, amount: Money) -> Answer:
        """Give an amount of a charge back, once for each key."""
        statement = upsert(sandbox_refunds).values(
            key=key,
            reference=_reference("re"),
            charge_reference=reference,
            amount_minor=amount.minor,
            currency=amount.currency,
            created_at=self._clock.now(),
        )
        remember = statement.on_conflict_do_update(
            index_elements=["key"], set_={"key": sandbox_refunds.c.key}
        ).returning(sandbox_refunds.c.reference)
        async with self._database.transaction() as session:
            return Accepted((await session.execute(remember)).scalar_one())

    async def records(self, since: datetime, until: datetime) -> Sequence[Record]:
        """Give the statement of a time."""
        charges, refunds, disputes = sandbox_charges.c, sandbox_refunds.c, sandbox_disputes.c
        statement = union_all(
            _records(RecordKind.CHARGE, sandbox_charges, charges.captured_minor).where(charges.charged),
            _records(RecordKind.REFUND, sandbox_refunds, refunds.amount_minor),
            _records(RecordKind.CHARGEBACK, sandbox_disputes, disputes.amount_minor).where(disputes.stage != "WON"),
        ).subquery()
        within = select(statement).where(statement.c.at >= since, statement.c.at < until)
        async with self._database.session() as session:
            rows = (await session.execute(within)).mappings()
        return [
            Record(
                kind=RecordKind(row["kind"]),
                reference=row["reference"],
                amount=Money(row["minor"], row["currency"]),
                at=row["at"],
            )
            for row in rows
        ]

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> ProviderEvent:
        """Read a webhook that has just come."""
        verify([self._secret], headers.get(SIGNATURE, ""), body, now)
        return read_message(body)

    def parse_webhook(self, body: bytes) -> ProviderEvent:
        """Read the body of a webhook that was checked before."""
        return read_message(body)

    async def decide(self, reference: str, *, approved: bool) -> None:
        """Let the buyer pass the step that they were sent to, or fail it; tells by webhook.

        Raises:
            NotFoundError: nobody waits for this step, or not any more.
        """
        takes = sandbox_charges.c.captured_minor > 0
        outcome: dict[str, Any] = {"state": case((takes, "CHARGED"), else_="AUTHORIZED"), "charged": takes}
        if not approved:
            outcome = {"state": "DECLINED", "captured_minor": 0, "decline_code": "authentication_failed"}
        decided = (
            update(sandbox_charges)
            .where(sandbox_charges.c.reference == reference, sandbox_charges.c.state == "AWAITING")
            .values(outcome)
            .returning(sandbox_charges)
        )
        async with self._database.transaction() as session:
            row = (await session.execute(decided)).mappings().first()
            if row is None:
                raise NotFoundError("No buyer is awaited here.")
            await self._tell(session, [(charge_message(row, self._answer(row), self._clock.now()), 0)])

    async def deliver_due(self, deliver: Deliver) -> int:
        """Send the webhooks whose time has come; one that is not taken is sent again."""
        waiting = select(sandbox_webhooks).where(sandbox_webhooks.c.due_at <= self._clock.now())
        async with self._database.session() as session:
            due = (await session.execute(waiting.order_by(sandbox_webhooks.c.position).limit(_BATCH))).mappings().all()
        for row in due:
            body = orjson.dumps(row["body"])
            await deliver(NAME, {SIGNATURE: sign(self._secret, body, self._clock.now())}, body)
            async with self._database.transaction() as session:
                await session.execute(delete(sandbox_webhooks).where(sandbox_webhooks.c.position == row["position"]))
        return len(due)

    async def _remember_charge(
        self, key: str, amount: Money, token: str, script: Script, *, capture: bool
    ) -> RowMapping:
        state = _state(script, capture=capture)
        lost = script.silence == Silence.FIRST_UNCHARGED
        charged = state == "CHARGED"
        row: dict[str, Any] = {
            "key": key,
            "reference": _reference("ch"),
            "amount_minor": amount.minor,
            "currency": amount.currency,
            "decline_code": script.decline_code,
            "charged": charged and not lost,
            # Of a charge that waits for its buyer this is what will be taken.
            "captured_minor": amount.minor if (charged or state == "AWAITING") and capture and not lost else 0,
            "script": token if not script.decline_code else "",
            "state": "" if lost else state,
            "created_at": self._clock.now(),
        }
        again: dict[str, Any] = {"requests": sandbox_charges.c.requests + 1}
        if lost:
            again |= {"charged": charged, "state": state, "captured_minor": amount.minor if charged else 0}
        statement = upsert(sandbox_charges).values(row)
        remember = statement.on_conflict_do_update(index_elements=["key"], set_=again).returning(sandbox_charges)
        async with self._database.transaction() as session:
            made = (await session.execute(remember)).mappings().one()
            if made["requests"] == 1 and (script.webhooks or script.dispute != Dispute.NONE):
                await self._tell(session, await self._messages(session, made, script))
            return made

    async def _messages(
        self, session: AsyncSession, row: RowMapping, script: Script
    ) -> list[tuple[dict[str, Any], float]]:
        now = self._clock.now()
        charge = charge_message(row, self._answer(row), now)
        messages = [(charge, seconds) for seconds in script.webhooks]
        if script.dispute == Dispute.NONE:
            return messages
        stage = DisputeStage.WON if script.dispute == Dispute.WON else DisputeStage.OPENED
        dispute = {
            "reference": _reference("dp"),
            "charge_reference": row["reference"],
            "amount_minor": row["amount_minor"],
            "currency": row["currency"],
            "stage": stage,
            "created_at": now,
        }
        await session.execute(insert(sandbox_disputes).values(dispute))
        stages = (stage, DisputeStage.OPENED) if stage == DisputeStage.WON else (stage,)
        return [*((dispute_message(dispute, each, now), 0.0) for each in stages), (charge, 0.0)]

    async def _tell(self, session: AsyncSession, messages: Sequence[tuple[dict[str, Any], float]]) -> None:
        now = self._clock.now()
        rows = [{"body": body, "due_at": now + timedelta(seconds=seconds)} for body, seconds in messages]
        await session.execute(insert(sandbox_webhooks), rows)

    async def _row(self, condition: Any) -> RowMapping | None:
        async with self._database.session() as session:
            return (await session.execute(select(sandbox_charges).where(condition))).mappings().first()

    async def _known(self, reference: str) -> RowMapping:
        row = await self._row(sandbox_charges.c.reference == reference)
        if row is None:
            raise NotFoundError("The sandbox provider knows no such charge.")
        return row

    def _answer(self, row: RowMapping) -> ChargeAnswer:
        reference, code = row["reference"], row["decline_code"]
        match row["state"]:
            case "AUTHORIZED":
                return Authorized(reference)
            case "AWAITING":
                return ActionRequired(reference, f"{self._page}/payments/sandbox/{reference}")
            case "VOIDED":
                return Voided(reference)
            case "CHARGED":
                return Accepted(reference, Money(row["captured_minor"], row["currency"]), _fee(row))
            case _:
                return Declined(code, retryable=code in _WORTH_ANOTHER_TRY)


def _state(script: Script, *, capture: bool) -> str:
    if script.decline_code:
        return "DECLINED"
    if script.asks_buyer:
        return "AWAITING"
    return "CHARGED" if capture else "AUTHORIZED"


def _records(kind: RecordKind, table: Table, minor: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
    return select(
        value(str(kind)).label("kind"),
        table.c.reference,
        minor.label("minor"),
        table.c.currency,
        table.c.created_at.label("at"),
    )


def _fee(row: RowMapping) -> Money | None:
    percent = script_of(row["script"]).fee_percent if row["script"] else 0
    return Money(row["captured_minor"] * percent // 100, row["currency"]) if percent else None


def _reference(prefix: str) -> str:
    return f"{prefix}_sandbox_{secrets.token_hex(12)}"
