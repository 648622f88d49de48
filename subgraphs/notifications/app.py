"""The notifications subgraph put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.sealing import derive, mail_key
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.notifications.api.context import NotificationsLoaders
from subgraphs.notifications.api.schema import SCHEMA
from subgraphs.notifications.consumers import consumers
from subgraphs.notifications.service import NotificationsService
from subgraphs.notifications.service.courier import Courier
from subgraphs.notifications.service.inbox import Inbox
from subgraphs.notifications.service.webhooks import Webhooks
from subgraphs.notifications.service.webhooks.dispatcher import Dispatcher, Patience
from subgraphs.notifications.service.webhooks.endpoints import Endpoints
from subgraphs.notifications.service.webhooks.filling import Filling
from subgraphs.notifications.service.webhooks.trials import Trials
from subgraphs.notifications.service.wording import Wording
from subgraphs.notifications.service.writing import Writing
from subgraphs.notifications.settings import NotificationsSettings
from subgraphs.notifications.storage.mailbox import FileMailbox
from subgraphs.notifications.storage.personal_data import PERSONAL_DATA
from subgraphs.notifications.storage.receiver import Receiver

NAME: Final = "notifications"
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def build(settings: Settings, parts: Parts, own: NotificationsSettings | None = None) -> Subgraph:
    """Put the subgraph together; `own` stands in for the settings of the environment."""
    own = own or NotificationsSettings.load()
    mailbox = FileMailbox(own.mailbox or settings.data_dir / "mailbox", sender=own.sender)
    writing = Writing(Wording(shop=own.shop, account_url=own.account_url), parts.clock)
    service = NotificationsService(
        writing=writing,
        courier=Courier(
            database=parts.database,
            provider=mailbox,
            clock=parts.clock,
            retries=own.retry_policy(),
            mail_key=mail_key(settings),
        ),
        inbox=Inbox(parts.database, parts.clock),
        webhooks=make_webhooks(settings, parts, own, writing),
    )
    dispatcher = service.webhooks.dispatcher

    def make_context(caller: Caller) -> Context[Any, Any]:
        return Context(caller=caller, service=service, loaders=NotificationsLoaders.of(service))

    return Subgraph(
        name=NAME,
        schema=SCHEMA,
        make_context=make_context,
        database=parts.database,
        migrations=MIGRATIONS,
        consumers=(
            *consumers(writing, parts.clock),
            personal_data_consumer(NAME, PERSONAL_DATA, settings),
        ),
        jobs=(
            Job(name="notifications.deliver", run=service.courier.deliver_due, every=own.deliver_every),
            Job(name="notifications.forget-mail", run=service.courier.forget_erased, every=own.deliver_every),
            Job(name="notifications.webhooks", run=dispatcher.deliver_due, every=own.deliver_every),
            Job(name="notifications.forget-webhooks", run=dispatcher.forget_old, every=3600.0),
        ),
        on_close=(dispatcher.close,),
    )


def make_webhooks(settings: Settings, parts: Parts, own: NotificationsSettings, writing: Writing) -> Webhooks:
    """Put webhooks together."""
    filling = Filling(parts.calls, parts.supergraph)
    endpoints = Endpoints(
        database=parts.database,
        clock=parts.clock,
        rules=own.address_rules(),
        filling=filling,
        key=derive(settings.internal_key.get_secret_value().encode(), "secrets of webhooks"),
    )
    dispatcher = Dispatcher(
        database=parts.database,
        clock=parts.clock,
        endpoints=endpoints,
        filling=filling,
        receiver=Receiver(own.address_rules(), patience=own.webhook_answer_within),
        writing=writing,
        patience=Patience(span=own.webhook_patience, failures=own.webhook_failures),
    )
    trials = Trials(
        database=parts.database, clock=parts.clock, endpoints=endpoints, filling=filling, dispatcher=dispatcher
    )
    return Webhooks(endpoints, dispatcher, trials)
