"""Where an order goes, as a saga keeps it for those who choose the warehouses."""

from __future__ import annotations

from kernel.events.catalogue import PostalAddress
from subgraphs.orders.domain.ports import Destination
from subgraphs.orders.domain.saga import Saga


def spell(address: PostalAddress) -> dict[str, str]:
    """Write down, in a saga's data, where an order goes."""
    return {"country": address.country, "postal_code": address.postal_code}


def destination_of(saga: Saga) -> Destination | None:
    """Read where the order of a saga goes; None where that is not known."""
    known = saga.data.get("destination")
    return None if known is None else (known["country"], known["postal_code"])
