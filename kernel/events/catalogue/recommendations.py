"""What visitors look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kernel.events.catalogue.payload import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductViewed(Payload):
    """Somebody looked at a product: a customer, or a guest by the token of the session; after which search, if any."""

    producer: ClassVar[str] = "recommendations"
    personal: ClassVar[tuple[str, ...]] = ("customer_id", "session")
    product_id: str
    customer_id: str | None
    session: str
    viewed_at: str
    searched: str = ""
