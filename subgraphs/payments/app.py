"""Payments put together."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute

from kernel.jobs import Job
from kernel.personal_data import personal_data_consumer
from kernel.sealing import derive
from kernel.settings import Settings, SettingsError
from kernel.subgraph import Parts, Subgraph
from kernel.webhooks import webhook_route
from subgraphs.payments.api.context import make_context
from subgraphs.payments.api.sandbox_page import sandbox_page
from subgraphs.payments.api.schema import make_schema
from subgraphs.payments.domain.provider import PaymentProvider
from subgraphs.payments.providers.sandbox import SandboxProvider
from subgraphs.payments.service import PaymentsService, make_service
from subgraphs.payments.settings import PaymentsSettings
from subgraphs.payments.storage.personal_data import PERSONAL_DATA

if TYPE_CHECKING:
    from subgraphs.payments.providers.stripe import StripeProvider


def build(settings: Settings, parts: Parts) -> Subgraph:
    """Build payments with the sandbox provider, and Stripe where its key is set."""
    own = PaymentsSettings.load()
    sandbox = _sandbox(settings, own, parts)
    stripe = _stripe(own)
    service = _service(own, parts, sandbox, stripe)
    return Subgraph(
        name="payments",
        schema=make_schema(),
        make_context=partial(make_context, service),
        database=parts.database,
        migrations=Path(__file__).parent / "migrations",
        consumers=(personal_data_consumer("payments", PERSONAL_DATA, settings),),
        jobs=(
            Job(name="payments.settle", run=service.settle_due, every=own.settle_every),
            Job(
                name="payments.sandbox",
                run=partial(sandbox.deliver_due, service.webhooks.receive),
                every=own.sandbox_every,
            ),
        ),
        routes=_routes(service, sandbox),
        on_close=(stripe.close,) if stripe else (),
    )


def build_service(settings: Settings, parts: Parts) -> PaymentsService:
    """Build the use cases alone, for commands that work beside a store."""
    own = PaymentsSettings.load()
    return _service(own, parts, _sandbox(settings, own, parts), _stripe(own))


def _service(
    own: PaymentsSettings, parts: Parts, sandbox: SandboxProvider, stripe: StripeProvider | None
) -> PaymentsService:
    if own.provider == "stripe" and stripe is None:
        raise SettingsError("STOREGRAPH_PAYMENTS_STRIPE_KEY is not set; the provider stripe needs it.")
    providers: list[PaymentProvider] = [sandbox, *([stripe] if stripe else [])]
    providers.sort(key=lambda provider: provider.name != own.provider)
    return make_service(
        parts.database,
        providers,
        parts.clock,
        provider_timeout=own.provider_timeout,
        settle_after=own.settle_after,
        action_within=own.action_within,
    )


def _sandbox(settings: Settings, own: PaymentsSettings, parts: Parts) -> SandboxProvider:
    secret = derive(settings.internal_key.get_secret_value().encode(), "webhooks of the sandbox provider").hex()
    return SandboxProvider(parts.database, parts.clock, secret=secret, page=own.public_url)


def _stripe(own: PaymentsSettings) -> StripeProvider | None:
    key = own.stripe_key.get_secret_value()
    if not key:
        return None
    adapter: Any = import_module("subgraphs.payments.providers.stripe")  # 17 MB that most stores do without
    provider: StripeProvider = adapter.StripeProvider(
        key,
        webhook_secrets=[secret.get_secret_value() for secret in own.stripe_webhook_secrets],
        address=own.stripe_address,
        return_url=own.public_url,
        timeout=own.provider_timeout,
    )
    return provider


def _routes(service: PaymentsService, sandbox: SandboxProvider) -> tuple[BaseRoute, ...]:
    return webhook_route("/webhooks/payments/{sender}", service.webhooks.receive), *sandbox_page(sandbox)
