"""What becomes of a guest's cart and a customer's own when the guest logs in; pure, so that each strategy is seen."""

from __future__ import annotations

from enum import StrEnum

from subgraphs.orders.domain.cart import Cart, CartLine


class MergeStrategy(StrEnum):
    """Which cart stays."""

    MERGE = "MERGE"
    USE_GUEST = "USE_GUEST"
    USE_EXISTING = "USE_EXISTING"


def additions(guest: Cart, existing: Cart) -> tuple[CartLine, ...]:
    """Give the guest's lines that the customer's cart lacks or has fewer pieces of.

    Of a line that is in both the larger quantity counts: who puts the same thing in twice, here and there, means one.
    """
    has = {line.sku: line.quantity for line in existing.lines}
    return tuple(line for line in guest.lines if line.quantity > has.get(line.sku, 0))
