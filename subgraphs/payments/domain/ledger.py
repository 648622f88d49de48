"""The double-entry ledger: money never appears or vanishes, it moves between accounts.

Every transaction has as much on the debit as on the credit side, in the currency of its payment. The database refuses
anything else when it commits (`ledger_balanced`), and any payment whose amounts are not those of its entries
(`payments_agree_with_ledger`), so this module only has to say who owes whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kernel.money import Money


class Account(StrEnum):
    """Whose money an entry is about."""

    PROVIDER_CLEARING = "PROVIDER_CLEARING"
    """What the provider owes us."""
    CUSTOMER_ORDERS = "CUSTOMER_ORDERS"
    """What buyers paid for orders."""
    REFUNDS = "REFUNDS"
    CHARGEBACKS = "CHARGEBACKS"
    FEES = "FEES"


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


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds in one currency: debits less credits."""

    account: Account
    amount: Money


def capture_entries(amount: Money) -> tuple[Entry, ...]:
    """The provider owes us what the buyer paid for orders."""
    return _moved(amount, debit=Account.PROVIDER_CLEARING, credit=Account.CUSTOMER_ORDERS)


def refund_entries(amount: Money) -> tuple[Entry, ...]:
    """What was given back lessens what the provider owes us."""
    return _moved(amount, debit=Account.REFUNDS, credit=Account.PROVIDER_CLEARING)


def chargeback_entries(amount: Money) -> tuple[Entry, ...]:
    """The bank took the money back."""
    return _moved(amount, debit=Account.CHARGEBACKS, credit=Account.PROVIDER_CLEARING)


def chargeback_won_entries(amount: Money) -> tuple[Entry, ...]:
    """The bank gave the money to us after all."""
    return _moved(amount, debit=Account.PROVIDER_CLEARING, credit=Account.CHARGEBACKS)


def fee_entries(amount: Money) -> tuple[Entry, ...]:
    """The provider keeps something for its work."""
    return _moved(amount, debit=Account.FEES, credit=Account.PROVIDER_CLEARING)


def _moved(amount: Money, *, debit: Account, credit: Account) -> tuple[Entry, ...]:
    if not amount:
        return ()
    return Entry(debit, Side.DEBIT, amount), Entry(credit, Side.CREDIT, amount)
