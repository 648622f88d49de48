"""Settings of payments."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings


class PaymentsSettings(SubgraphSettings):
    """What can be set for payments, as `STOREGRAPH_PAYMENTS_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_PAYMENTS_")

    provider: Literal["sandbox", "stripe"] = "sandbox"
    """Who takes new payments; older ones stay with whom they began with."""

    provider_timeout: float = Field(default=10.0, gt=0)
    """Seconds after which a provider's answer counts as unknown."""

    settle_after: float = Field(default=15.0, gt=0)
    """Seconds after which an unknown outcome is asked for again."""

    settle_every: float = Field(default=5.0, gt=0)
    """Seconds between two looks for unknown outcomes."""

    action_within: float = Field(default=1800.0, gt=0)
    """Seconds that a buyer has for the provider's step, such as 3-D Secure; then the payment is given up."""

    public_url: str = ""
    """Where buyers reach the store; the provider's step is shown and returned from below it."""

    sandbox_every: float = Field(default=1.0, gt=0)
    """Seconds between two looks for webhooks that the sandbox provider is to send."""

    stripe_key: SecretStr = SecretStr("")
    """Stripe's secret API key; without it Stripe is not set up."""

    stripe_webhook_secrets: tuple[SecretStr, ...] = ()
    """The signing secrets of the webhook endpoint at Stripe; two while one replaces the other."""

    stripe_address: str = "https://api.stripe.com"
