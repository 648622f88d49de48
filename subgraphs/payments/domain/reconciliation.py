"""Where our books and a provider's statement differ; money that only one side knows of must be looked at by people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kernel.money import Money
from subgraphs.payments.domain.provider import Record, RecordKind


class DifferenceKind(StrEnum):
    """How the two sides differ."""

    MISSING_HERE = "MISSING_HERE"
    MISSING_AT_PROVIDER = "MISSING_AT_PROVIDER"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the two sides do not agree on."""

    kind: DifferenceKind
    about: RecordKind
    reference: str
    payment_id: str | None
    here: Money | None
    at_provider: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Money that we say has moved."""

    kind: RecordKind
    reference: str
    amount: Money
    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What a comparison found."""

    provider: str
    since: datetime
    until: datetime
    lines_here: int
    lines_at_provider: int
    undecided: int
    """Payments of that time whose outcome is not known yet; they are no differences."""
    differences: tuple[Difference, ...]


def compare(
    ours: Iterable[Line], theirs: Iterable[Record], known: Mapping[tuple[RecordKind, str], Line]
) -> tuple[Difference, ...]:
    """Compare our lines with a statement; `known` are our lines for whatever the statement names."""
    statement = {(record.kind, record.reference): record for record in theirs}
    found = [_missing_here(record) for key, record in statement.items() if key not in known]
    found += [
        _differing(DifferenceKind.MISSING_AT_PROVIDER, line, None)
        for line in ours
        if (line.kind, line.reference) not in statement
    ]
    found += [
        _differing(DifferenceKind.AMOUNT_DIFFERS, line, statement[key].amount)
        for key, line in known.items()
        if key in statement and statement[key].amount != line.amount
    ]
    return tuple(sorted(found, key=lambda each: (each.kind, each.about, each.reference)))


def _missing_here(record: Record) -> Difference:
    return Difference(
        kind=DifferenceKind.MISSING_HERE,
        about=record.kind,
        reference=record.reference,
        payment_id=None,
        here=None,
        at_provider=record.amount,
    )


def _differing(kind: DifferenceKind, line: Line, at_provider: Money | None) -> Difference:
    return Difference(
        kind=kind,
        about=line.kind,
        reference=line.reference,
        payment_id=line.payment_id,
        here=line.amount,
        at_provider=at_provider,
    )
