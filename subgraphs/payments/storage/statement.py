"""Our own statement: the money that our books say has moved, line by line as a provider would list it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

from kernel.money import Money
from subgraphs.payments.domain.provider import RecordKind
from subgraphs.payments.domain.reconciliation import Line

_LINES: Final = """
    SELECT 'CHARGE' AS kind, id AS payment_id, provider, provider_reference AS reference, captured_minor AS minor,
        currency, created_at AS at
    FROM payments WHERE captured_minor > 0
    UNION ALL
    SELECT 'REFUND', payment_id, provider, refunds.provider_reference, refunds.amount_minor, refunds.currency,
        refunds.created_at
    FROM refunds JOIN payments ON payments.id = payment_id WHERE refunds.status = 'SUCCEEDED'
    UNION ALL
    SELECT 'CHARGEBACK', payment_id, provider, chargebacks.provider_reference, chargebacks.amount_minor,
        chargebacks.currency, opened_at
    FROM chargebacks JOIN payments ON payments.id = payment_id WHERE chargebacks.status <> 'WON'
"""
_OF_A_TIME: Final = text(
    f"SELECT * FROM ({_LINES}) AS line WHERE provider = :provider AND at >= :since AND at < :until"  # noqa: S608 # ours
)
_BY_REFERENCE: Final = text(
    f"SELECT * FROM ({_LINES}) AS line WHERE provider = :provider AND reference = ANY(:references)"  # noqa: S608 # ours
).bindparams(bindparam("references", type_=ARRAY(Text)))
_UNDECIDED: Final = text(
    """
    SELECT count(*) FROM payments WHERE provider = :provider AND status IN ('PENDING', 'REQUIRES_ACTION')
    AND created_at >= :since AND created_at < :until
    """
)


async def lines_between(session: AsyncSession, provider: str, since: datetime, until: datetime) -> list[Line]:
    """Read what moved in a time."""
    rows = await session.execute(_OF_A_TIME, {"provider": provider, "since": since, "until": until})
    return [_line(*row) for row in rows]


async def lines_of(session: AsyncSession, provider: str, references: Sequence[str]) -> list[Line]:
    """Read what moved under these references of the provider, whenever that was."""
    rows = await session.execute(_BY_REFERENCE, {"provider": provider, "references": list(references)})
    return [_line(*row) for row in rows]


async def undecided(session: AsyncSession, provider: str, since: datetime, until: datetime) -> int:
    """Count payments of a time whose outcome is not known."""
    values = {"provider": provider, "since": since, "until": until}
    return (await session.execute(_UNDECIDED, values)).scalar_one()


def _line(kind: str, payment_id: str, _provider: str, reference: str, minor: int, currency: str, _at: datetime) -> Line:
    return Line(kind=RecordKind(kind), reference=reference, amount=Money(minor, currency), payment_id=payment_id)
