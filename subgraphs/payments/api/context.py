"""What payment resolvers lean on during a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import strawberry
from aiodataloader import DataLoader

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.loaders import lists_by_key
from subgraphs.payments.domain.payment import Chargeback, Payment, PaymentEvent, Refund
from subgraphs.payments.service import PaymentsService
from subgraphs.payments.storage import payments as store
from subgraphs.payments.storage import requests as request_store


@dataclass(frozen=True, slots=True)
class PaymentsLoaders:
    """What is fetched for many at once."""

    of_order: DataLoader[str, Sequence[Payment]]
    refunds: DataLoader[str, Sequence[Refund]]
    events: DataLoader[str, Sequence[PaymentEvent]]
    chargebacks: DataLoader[str, Sequence[Chargeback]]


PaymentsContext = Context[PaymentsService, PaymentsLoaders]
Info = strawberry.Info[PaymentsContext, None]


def make_context(service: PaymentsService, caller: Caller) -> PaymentsContext:
    """Make the context of one request."""

    async def payments(keys: Sequence[str]) -> Mapping[str, Sequence[Payment]]:
        async with service.database.session() as session:
            return await store.of_orders(session, keys)

    async def refunds(keys: Sequence[str]) -> Mapping[str, Sequence[Refund]]:
        async with service.database.session() as session:
            return await request_store.refunds_of(session, keys)

    async def events(keys: Sequence[str]) -> Mapping[str, Sequence[PaymentEvent]]:
        async with service.database.session() as session:
            return await store.events_of(session, keys)

    async def chargebacks(keys: Sequence[str]) -> Mapping[str, Sequence[Chargeback]]:
        async with service.database.session() as session:
            return await request_store.chargebacks_of(session, keys)

    loaders = PaymentsLoaders(
        lists_by_key(payments), lists_by_key(refunds), lists_by_key(events), lists_by_key(chargebacks)
    )
    return Context(caller=caller, service=service, loaders=loaders)
