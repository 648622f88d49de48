"""Settings of shipping."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings


class ShippingSettings(SubgraphSettings):
    """What can be set for shipping, as `STOREGRAPH_SHIPPING_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_SHIPPING_")

    sandbox_transit_after: float = 1.0
    """Seconds from booking until the sandbox carrier has fetched a parcel."""

    sandbox_delivered_after: float = 20.0
    """Seconds from booking until the sandbox carrier has delivered a parcel."""

    track_every: float = 0.5
    """Seconds between two questions to the carrier about one parcel, unless it expects news of it later only."""

    carrier_retry: float = 10.0
    """Seconds after which a parcel whose carrier did not answer is taken up again."""

    carrier_timeout: float = 10.0
    """Seconds after which a carrier counts as silent."""

    rates_timeout: float = 1.5
    """Seconds that a buyer waits for a carrier's live rates before our own count."""

    public_url: str = ""
    """Where the store is reached; labels of the sandbox carrier are below it."""
