"""Settings of stock."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings


class InventorySettings(SubgraphSettings):
    """What can be set for stock, as `STOREGRAPH_INVENTORY_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_INVENTORY_")

    sweep_every: float = 15.0
    """Seconds between two looks for reservations whose time is over; availability does not wait for it."""

    availability_bound: float = 5.0
    """Seconds by which a figure of availability that is shown to buyers may be old, at the very most."""
