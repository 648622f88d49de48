"""The notifications subgraph put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.sealing import mail_key
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.notifications.api.context import NotificationsLoaders
from subgraphs.notifications.api.schema import SCHEMA
from subgraphs.notifications.consumers import consumers
from subgraphs.notifications.service import NotificationsService
from subgraphs.notifications.service.courier import Courier
from subgraphs.notifications.service.inbox import Inbox
from subgraphs.notifications.service.wording import Wording
from subgraphs.notifications.service.writing import Writing
from subgraphs.notifications.settings import NotificationsSettings
from subgraphs.notifications.storage.mailbox import FileMailbox
from subgraphs.notifications.storage.personal_data import PERSONAL_DATA

NAME: Final = "notifications"
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def build(settings: Settings, parts: Parts, own: NotificationsSettings | None = None) -> Subgraph:
    """Put the subgraph together; `own` stands in for the settings of the environment."""
    own = own or NotificationsSettings.load()
    mailbox = FileMailbox(own.mailbox or settings.data_dir / "mailbox", sender=own.sender)
    service = NotificationsService(
        writing=Writing(Wording(shop=own.shop, account_url=own.account_url), parts.clock),
        courier=Courier(
            database=parts.database,
            provider=mailbox,
            clock=parts.clock,
            retries=own.retry_policy(),
            mail_key=mail_key(settings),
        ),
        inbox=Inbox(parts.database, parts.clock),
    )

    def make_context(caller: Caller) -> Context[Any, Any]:
        return Context(caller=caller, service=service, loaders=NotificationsLoaders.of(service))

    return Subgraph(
        name=NAME,
        schema=SCHEMA,
        make_context=make_context,
        database=parts.database,
        migrations=MIGRATIONS,
        consumers=(
            *consumers(service.writing),
            personal_data_consumer(NAME, PERSONAL_DATA, settings),
        ),
        jobs=(
            Job(name="notifications.deliver", run=service.courier.deliver_due, every=own.deliver_every),
            Job(name="notifications.forget-mail", run=service.courier.forget_erased, every=own.deliver_every),
        ),
    )
