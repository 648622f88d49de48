"""The sandbox provider: a payment service of our own whose answers are chosen by the token.

    tok_approve             charges
    tok_decline_<code>      declines with that code, such as tok_decline_insufficient_funds
    tok_timeout             charges, but the first answer is lost
    tok_timeout_uncharged   loses the first request before charging; the next one charges

It keeps its own records, as a provider would, so a lost answer can be asked for and a key charges once.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert

from kernel.clock import Clock
from kernel.database import Database
from kernel.money import Money
from subgraphs.payments.domain.payment import OutcomeUnknownError
from subgraphs.payments.domain.provider import Accepted, Answer, Declined
from subgraphs.payments.storage.tables import sandbox_charges, sandbox_refunds

APPROVE: Final = "tok_approve"
DECLINE: Final = "tok_decline_"
TIMEOUT: Final = "tok_timeout"
TIMEOUT_UNCHARGED: Final = "tok_timeout_uncharged"

_WORTH_ANOTHER_TRY: Final = frozenset({"insufficient_funds", "processing_error", "issuer_unavailable"})


class SandboxProvider:
    """A provider whose answers are programmed by the token."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def charge(self, key: str, amount: Money, token: str) -> Answer:
        """Take an amount, or decline, or fall silent, as the token says."""
        row = await self._remember_charge(key, amount, token)
        if token in {TIMEOUT, TIMEOUT_UNCHARGED} and row["requests"] == 1:
            raise OutcomeUnknownError("The sandbox provider did not answer.")
        return _answer(row)

    async def find_charge(self, key: str) -> Answer | None:
        """Tell what became of a charge."""
        known = select(sandbox_charges).where(sandbox_charges.c.key == key)
        async with self._database.session() as session:
            row = (await session.execute(known)).mappings().first()
        if row is None or not (row["charged"] or row["decline_code"]):
            return None
        return _answer(row)

    async def refund(self, key: str, charge_reference: str, amount: Money) -> Answer:
        """Give an amount of a charge back, once for each key."""
        statement = insert(sandbox_refunds).values(
            key=key,
            reference=_reference("re"),
            charge_reference=charge_reference,
            amount_minor=amount.minor,
            currency=amount.currency,
            created_at=self._clock.now(),
        )
        remember = statement.on_conflict_do_update(
            index_elements=["key"], set_={"key": sandbox_refunds.c.key}
        ).returning(sandbox_refunds.c.reference)
        async with self._database.transaction() as session:
            return Accepted((await session.execute(remember)).scalar_one())

    async def _remember_charge(self, key: str, amount: Money, token: str) -> RowMapping:
        declined = _decline_code(token)
        row: dict[str, Any] = {
            "key": key,
            "reference": _reference("ch"),
            "amount_minor": amount.minor,
            "currency": amount.currency,
            "decline_code": declined,
            "charged": not declined and token != TIMEOUT_UNCHARGED,
            "created_at": self._clock.now(),
        }
        again = {"requests": sandbox_charges.c.requests + 1, "charged": not declined}
        statement = insert(sandbox_charges).values(row)
        remember = statement.on_conflict_do_update(index_elements=["key"], set_=again).returning(sandbox_charges)
        async with self._database.transaction() as session:
            return (await session.execute(remember)).mappings().one()


def _decline_code(token: str) -> str:
    if token in {APPROVE, TIMEOUT, TIMEOUT_UNCHARGED}:
        return ""
    return token.removeprefix(DECLINE)[:64] if token.startswith(DECLINE) else "invalid_token"


def _answer(row: RowMapping) -> Answer:
    code = row["decline_code"]
    return Declined(code, retryable=code in _WORTH_ANOTHER_TRY) if code else Accepted(row["reference"])


def _reference(prefix: str) -> str:
    return f"{prefix}_sandbox_{secrets.token_hex(12)}"
