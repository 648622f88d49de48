"""Who may touch what: a customer's things are theirs, a guest's belong to whoever knows the id.

What a caller may not see does not exist for them, so that ids cannot be probed.
"""

from __future__ import annotations

from kernel.identity import Caller


def may_see(caller: Caller, customer_id: str | None) -> bool:
    """Tell whether a caller may see something of this customer, or of a guest."""
    return customer_id is None or caller.id == customer_id or caller.works_here or caller.is_service


def customer_of(caller: Caller) -> str | None:
    """Name the customer that a caller is; None for guests, staff and services."""
    return caller.id if caller.kind == "customer" else None
