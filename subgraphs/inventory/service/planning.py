"""Who tells and plans beside the commands of stock: put together once, used by resolvers, consumers and jobs."""

from __future__ import annotations

from dataclasses import dataclass

from subgraphs.inventory.service.availability import AvailabilityBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Availability of SKUs and of products."""

    skus: AvailabilityBoard
    products: AvailabilityBoard
