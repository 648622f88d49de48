"""The double-entry ledger: money never appears or vanishes, it moves between accounts.

Every transaction has as much on the debit as on the credit side, in one currency. The database refuses
anything else when it commits (trigger `ledger_balanced`), so this module only has to say who owes whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kernel.money import Money


class Account(StrEnum):
    """Whose money an entry is about."""

    PROVIDER_CLEARING = "PROVIDER_CLEARING"
    CUSTOMER_ORDERS = "CUSTOMER_ORDERS"
    REFUNDS = "REFUNDS"


class Side(StrEnum):
    """The side of the ledger."""

    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


@dataclass(frozen=True, slots=True)
class Entry:
    """A positive amount on one side of one account."""

    account: Account
    side: Side
    amount: Money


def capture_entries(amount: Money) -> tuple[Entry, ...]:
    """The provider owes us what the buyer paid for orders."""
    return (
        Entry(Account.PROVIDER_CLEARING, Side.DEBIT, amount),
        Entry(Account.CUSTOMER_ORDERS, Side.CREDIT, amount),
    )


def refund_entries(amount: Money) -> tuple[Entry, ...]:
    """What was given back lessens what the provider owes us."""
    return (
        Entry(Account.REFUNDS, Side.DEBIT, amount),
        Entry(Account.PROVIDER_CLEARING, Side.CREDIT, amount),
    )
