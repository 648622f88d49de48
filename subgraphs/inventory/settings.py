"""Settings of stock."""

from __future__ import annotations

from typing import Literal

from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings
from subgraphs.inventory.domain.replenishment import Terms


class InventorySettings(SubgraphSettings):
    """What can be set for stock, as `STOREGRAPH_INVENTORY_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_INVENTORY_")

    sweep_every: float = 15.0
    """Seconds between two looks for reservations whose time is over; availability does not wait for it."""
    sourcing: Literal["fewest_splits", "nearest", "cheapest", "priority"] = "fewest_splits"
    """How the warehouses of an order are chosen."""
    project_every: float = 5.0
    """Seconds between two looks for entries of the ledger that the daily turnover does not have yet."""

    remember_commands_days: float = 30.0
    """For how long a repeated command is answered instead of done again."""

    availability_bound: float = 5.0
    """Seconds by which a figure of availability that is shown to buyers may be old, at the very most."""

    plan_every: float = 300.0
    """Seconds between two looks for SKUs that lack this week's forecast."""

    lead_time_days: int = 14
    """How long suppliers take, where it is not said of a SKU."""

    cycle_days: int = 14
    """For how long an order to a supplier should last, where it is not said of a SKU."""

    service_level: float = 0.95
    """The chance to get through a lead time without running out, where it is not said of a SKU."""

    def terms(self) -> Terms:
        """Give the terms on which what was not said of a SKU is bought."""
        return Terms(lead_time_days=self.lead_time_days, cycle_days=self.cycle_days, service_level=self.service_level)
