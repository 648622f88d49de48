"""Who tells and plans beside the commands of stock: put together once, used by resolvers, consumers and jobs."""

from __future__ import annotations

from dataclasses import dataclass

from subgraphs.inventory.service.availability import AvailabilityBoard
from subgraphs.inventory.service.forecasting import Forecasting
from subgraphs.inventory.service.purchasing import Purchasing
from subgraphs.inventory.service.watches import Watches


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """What is there, what will be wanted, what is on order, and who waits."""

    skus: AvailabilityBoard
    products: AvailabilityBoard
    forecasting: Forecasting
    purchasing: Purchasing
    watches: Watches
