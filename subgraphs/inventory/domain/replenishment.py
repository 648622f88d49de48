"""When to order, and how many: the policy (s, S) on the spread of what may be wanted.

An item is ordered when its inventory position (on hand and on order, less what is promised) has sunk to the reorder
point `s`: the least number that covers the demand of the lead time with the wanted service level, s = F^-1(service
level) of the lead time's demand (Silver, Pyke & Thomas, "Inventory and Production Management in Supply Chains", 4th
ed., 2017, chapter 6; the safety stock is s less the mean). It is ordered up to `S`, which covers the demand until the
order after this one arrives, lead time and order cycle, with the same service. The distribution is that of the
forecast and not a normal one, which is wrong for items that seldom sell.

What a warehouse gets of a SKU's demand is its share p of past orders: a count with mean m and variance v, of which each
unit goes there with chance p, has mean pm and variance pm + p^2 (v - m).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kernel.errors import InvalidInputError
from subgraphs.inventory.domain.forecasting import Forecast
from subgraphs.inventory.domain.forecasting.counts import Spread

_WEEK: Final = 7
_MOST_DAYS: Final = 365
_MOST_UNITS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a SKU is bought; `service_level` is the chance to get through a lead time without running out."""

    lead_time_days: int
    cycle_days: int
    service_level: float
    pack_size: int = 1
    least_quantity: int = 1
    supplier: str = ""

    def __post_init__(self) -> None:
        if not (0 <= self.lead_time_days <= _MOST_DAYS and 1 <= self.cycle_days <= _MOST_DAYS):
            raise InvalidInputError(f"A lead time or cycle has at most {_MOST_DAYS} days.", path=("leadTimeDays",))
        if not 0.5 <= self.service_level <= 0.999:
            raise InvalidInputError("A service level lies between 0.5 and 0.999.", path=("serviceLevel",))
        if not (1 <= self.pack_size <= _MOST_UNITS and 1 <= self.least_quantity <= _MOST_UNITS):
            raise InvalidInputError(f"Packs and orders have from 1 to {_MOST_UNITS} units.", path=("packSize",))
        if len(self.supplier) > 200:
            raise InvalidInputError("A supplier's name has at most 200 characters.", path=("supplier",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When a SKU is ordered for a warehouse, and up to how many."""

    sku: str
    warehouse_id: str
    reorder_point: int
    order_up_to: int
    lead_time_demand: float
    lead_time_days: int
    service_level: float
    pack_size: int
    least_quantity: int
    supplier: str = ""

    @property
    def safety_stock(self) -> float:
        """How much of the reorder point is there for what is not expected."""
        return max(self.reorder_point - self.lead_time_demand, 0.0)

    def quantity(self, position: int) -> int:
        """Tell how many to order now, in whole packs; nothing while the position is above the reorder point."""
        missing = self.order_up_to - position
        if position > self.reorder_point or missing <= 0:
            return 0
        return math.ceil(max(missing, self.least_quantity) / self.pack_size) * self.pack_size


def plan(forecast: Forecast, terms: Terms, warehouse_id: str, share: float) -> Plan:
    """Plan a SKU for a warehouse that serves a share of its demand."""
    lead, cycle = terms.lead_time_days / _WEEK, terms.cycle_days / _WEEK
    during = thin(forecast.total(0, lead), share)
    until_next = thin(forecast.total(0, lead + cycle), share)
    return Plan(
        sku=forecast.sku,
        warehouse_id=warehouse_id,
        reorder_point=during.quantile(terms.service_level),
        order_up_to=until_next.quantile(terms.service_level),
        lead_time_demand=during.mean,
        lead_time_days=terms.lead_time_days,
        service_level=terms.service_level,
        pack_size=terms.pack_size,
        least_quantity=terms.least_quantity,
        supplier=terms.supplier,
    )


def thin(spread: Spread, share: float) -> Spread:
    """Tell what a part of a count may be when each unit falls to that part with this chance."""
    mean = spread.mean * share
    return Spread(mean, mean + share * share * max(spread.variance - spread.mean, 0.0))


def split(served: Mapping[str, int], warehouses: Sequence[str]) -> Mapping[str, float]:
    """Share demand out between warehouses as orders were served; one unit of doubt goes to all alike."""
    total = sum(served.get(each, 0) for each in warehouses) + 1
    return {each: (served.get(each, 0) + 1 / len(warehouses)) / total for each in warehouses}
