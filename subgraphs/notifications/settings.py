"""Settings of the notifications subgraph: `STOREGRAPH_NOTIFICATIONS_…`, or the table `[notifications]` of the file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kernel.settings import SubgraphSettings
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

    def retry_policy(self) -> RetryPolicy:
        """Give the rules of tries."""
        return RetryPolicy(
            max_attempts=self.delivery_attempts, first_delay=self.first_delay, longest_delay=self.longest_delay
        )
