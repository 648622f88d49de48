"""Consents, payment methods, and requests about one's personal data."""

from __future__ import annotations

import strawberry

from subgraphs.users.api.account_types import Consent, PaymentMethod
from subgraphs.users.api.context import Info
from subgraphs.users.api.inputs import PaymentMethodInput
from subgraphs.users.api.payloads import (
    ConsentPayload,
    DataRequestPayload,
    DonePayload,
    PaymentMethodPayload,
    answer,
    done,
    person,
)
from subgraphs.users.domain.wallet import ConsentPurpose
from subgraphs.users.storage.data_requests import DataRequest


def _request_shown(request: DataRequest) -> dict[str, strawberry.ID]:
    return {"id": strawberry.ID(request.id)}


@strawberry.type
class WalletMutations:
    """What somebody agrees to, pays with, and wants to know or to be forgotten."""

    @strawberry.mutation(description="Agree to something, or take that back; the history stays.")
    async def consent_set(self, info: Info, purpose: ConsentPurpose, granted: bool, wording: str) -> ConsentPayload:
        """Note a consent."""
        wallet, caller = info.context.service.wallet, info.context.caller
        return await answer(
            ConsentPayload,
            lambda: wallet.consent(person(caller), purpose, granted=granted, wording=wording),
            lambda consent: {"consent": Consent.of(consent)},
        )

    @strawberry.mutation(description="Keep a payment provider's token to pay with later.")
    async def payment_method_add(self, info: Info, input: PaymentMethodInput) -> PaymentMethodPayload:
        """Add a payment method."""
        wallet, caller = info.context.service.wallet, info.context.caller
        person(caller)
        return await answer(
            PaymentMethodPayload,
            lambda: wallet.add_method(caller, **vars(input)),
            lambda method: {"payment_method": PaymentMethod.of(method)},
        )

    @strawberry.mutation(description="Forget a payment method.")
    async def payment_method_remove(self, info: Info, id: strawberry.ID) -> DonePayload:
        """Remove a payment method."""
        wallet, caller = info.context.service.wallet, info.context.caller
        return await answer(DonePayload, lambda: wallet.remove_method(person(caller), id), done)

    @strawberry.mutation(description="Have a copy of all one's personal data collected; see `User.dataExports`.")
    async def data_export_request(self, info: Info) -> DataRequestPayload:
        """Ask for an export."""
        requests, caller = info.context.service.personal_data, info.context.caller
        person(caller)
        return await answer(DataRequestPayload, lambda: requests.request_export(caller), _request_shown)

    @strawberry.mutation(description="Erase one's account and all personal data; there is no way back.")
    async def user_erase(self, info: Info) -> DataRequestPayload:
        """Ask for erasure."""
        requests, caller = info.context.service.personal_data, info.context.caller
        person(caller)
        return await answer(DataRequestPayload, lambda: requests.request_erasure(caller), _request_shown)
