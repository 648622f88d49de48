"""The notifications subgraph put together."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

from kernel.database import Database
from kernel.events.feed import PostgresFeed
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
from subgraphs.notifications.domain.messages import Channel, Provider
from subgraphs.notifications.service import NotificationsService
from subgraphs.notifications.service.courier import Courier
from subgraphs.notifications.service.inbox import Inbox
from subgraphs.notifications.service.templates import Templates
from subgraphs.notifications.service.webhooks import Webhooks
from subgraphs.notifications.service.webhooks.dispatcher import Dispatcher, Patience
from subgraphs.notifications.service.webhooks.endpoints import Endpoints
from subgraphs.notifications.service.webhooks.filling import Filling
from subgraphs.notifications.service.webhooks.trials import Trials
from subgraphs.notifications.service.wishes import Wishes
from subgraphs.notifications.service.wording import Wording
from subgraphs.notifications.service.writing import Writing
from subgraphs.notifications.settings import NotificationsSettings
from subgraphs.notifications.storage.gateway import HttpGateway
from subgraphs.notifications.storage.mailbox import FileMailbox
from subgraphs.notifications.storage.personal_data import PERSONAL_DATA
from subgraphs.notifications.storage.receiver import Receiver
from subgraphs.notifications.storage.smtp import SmtpMail

NAME: Final = "notifications"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
_DIGESTS_EVERY: Final = 30.0


def build(settings: Settings, parts: Parts, own: NotificationsSettings | None = None) -> Subgraph:
    """Put the subgraph together; `own` stands in for the settings of the environment."""
    own = own or NotificationsSettings.load()
    wording = Wording(shop=own.shop, account_url=own.account_url)
    writing = Writing(wording=wording, clock=parts.clock, caps=own.caps(), staff_email=own.staff_email)
    service = NotificationsService(
        writing=writing,
        courier=Courier(
            database=parts.database,
            providers=make_providers(settings, own),
            clock=parts.clock,
            retries=own.retry_policy(),
            mail_key=mail_key(settings),
        ),
        inbox=Inbox(parts.database, parts.clock, PostgresFeed(parts.database)),
        wishes=Wishes(parts.database, parts.clock),
        templates=Templates(parts.database, wording, parts.clock),
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
            Job(name="notifications.digest", run=partial(_bundle, parts.database, writing), every=_DIGESTS_EVERY),
            Job(name="notifications.forget-mail", run=service.courier.forget_erased, every=own.deliver_every),
            Job(name="notifications.webhooks", run=dispatcher.deliver_due, every=own.deliver_every),
            Job(name="notifications.forget-webhooks", run=dispatcher.forget_old, every=3600.0),
        ),
        on_close=(dispatcher.close,),
    )


async def _bundle(database: Database, writing: Writing) -> int:
    """Write one digest that is due."""
    async with database.transaction() as session:
        return await writing.bundle(session)


def make_providers(settings: Settings, own: NotificationsSettings) -> dict[Channel, Provider]:
    """Give each channel what delivers it: what the settings name, else the folder."""
    folder = FileMailbox(own.mailbox or settings.data_dir / "mailbox", sender=own.sender)
    providers: dict[Channel, Provider] = {Channel.EMAIL: folder, Channel.SMS: folder, Channel.PUSH: folder}
    if own.smtp_host:
        password = own.smtp_password.get_secret_value() if own.smtp_password else None
        providers[Channel.EMAIL] = SmtpMail(
            host=own.smtp_host,
            port=own.smtp_port,
            sender=own.sender,
            security=own.smtp_security,
            user=own.smtp_user,
            password=password,
        )
    for channel, url in ((Channel.SMS, own.sms_gateway), (Channel.PUSH, own.push_gateway)):
        if url:
            providers[channel] = HttpGateway(url, token=own.gateway_token.get_secret_value(), shop=own.shop)
    return providers


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
