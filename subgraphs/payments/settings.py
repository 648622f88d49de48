"""Settings of payments."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings


class PaymentsSettings(SubgraphSettings):
    """What can be set for payments, as `STOREGRAPH_PAYMENTS_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_PAYMENTS_")

    provider_timeout: float = 10.0
    """Seconds after which a provider's answer counts as unknown."""

    settle_after: float = 15.0
    """Seconds after which an unknown outcome is asked for again."""

    settle_every: float = 5.0
    """Seconds between two looks for unknown outcomes."""
