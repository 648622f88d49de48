"""Settings of the notifications subgraph: `STOREGRAPH_NOTIFICATIONS_…`, or the table `[notifications]` of the file."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings
from subgraphs.notifications.domain.addresses import AddressRules
from subgraphs.notifications.domain.messages import RetryPolicy


class NotificationsSettings(SubgraphSettings):
    """In whose name mail is written, and how it is delivered."""

    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_NOTIFICATIONS_")

    shop: str = "Storegraph"
    sender: str = "Storegraph <shop@storegraph.example>"
    account_url: str = "http://localhost:4000/account"
    """The page of the shop that links in mails about an account lead to."""
    mailbox: Path | None = None
    """The folder that mail is delivered to; `mailbox` in the data directory unless told."""
    deliver_every: float = Field(default=0.5, gt=0)
    """Seconds between looks for queued mail."""
    delivery_attempts: int = Field(default=8, ge=1)
    first_delay: timedelta = Field(default=timedelta(seconds=5), gt=timedelta())
    longest_delay: timedelta = Field(default=timedelta(hours=1), gt=timedelta())
    webhook_networks: tuple[str, ...] = ()
    """Networks such as `127.0.0.0/8` that webhooks may lead into although they are not of the open internet, and then
    also without TLS; for tests and development."""
    webhook_patience: timedelta = Field(default=timedelta(days=5), gt=timedelta())
    """An endpoint is switched off when it has failed for so long."""
    webhook_failures: int = Field(default=100, ge=1)
    """Or so often in a row."""
    webhook_answer_within: float = Field(default=15.0, gt=0)
    """Seconds that a receiver has."""

    @field_validator("webhook_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            ip_network(each)
        return value

    def address_rules(self) -> AddressRules:
        """Give the rules of what webhooks may call."""
        return AddressRules(tuple(ip_network(each) for each in self.webhook_networks))

    def retry_policy(self) -> RetryPolicy:
        """Give the rules of tries."""
        return RetryPolicy(
            max_attempts=self.delivery_attempts, first_delay=self.first_delay, longest_delay=self.longest_delay
        )
