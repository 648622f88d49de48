"""Settings of the notifications subgraph: `STOREGRAPH_NOTIFICATIONS_…`, or the table `[notifications]` of the file."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings
from subgraphs.notifications.domain.addresses import AddressRules
from subgraphs.notifications.domain.messages import RetryPolicy
from subgraphs.notifications.domain.preferences import Caps


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
    staff_email: str = "staff@storegraph.example"
    """Where letters to the staff go."""
    smtp_host: str = ""
    """The server that mail goes through; without one it is written into the folder."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    sms_gateway: str = ""
    """The URL that takes text messages as JSON; without one they are written into the folder."""
    push_gateway: str = ""
    """The URL that takes push messages as JSON; without one they are written into the folder."""
    gateway_token: SecretStr = SecretStr("")
    """What both gateways know us by."""
    hourly_email: int = Field(default=10, ge=1)
    """Messages that can wait which somebody gets within an hour; more mail is collected."""
    hourly_sms: int = Field(default=4, ge=1)
    hourly_push: int = Field(default=10, ge=1)
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

    def caps(self) -> Caps:
        """Give the bounds of messages within an hour."""
        return Caps(email=self.hourly_email, sms=self.hourly_sms, push=self.hourly_push)

    def retry_policy(self) -> RetryPolicy:
        """Give the rules of tries."""
        return RetryPolicy(
            max_attempts=self.delivery_attempts, first_delay=self.first_delay, longest_delay=self.longest_delay
        )
