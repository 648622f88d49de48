"""What belongs to an account, as its owner sees it."""

from __future__ import annotations

from datetime import datetime

import strawberry

from subgraphs.users.domain import wallet
from subgraphs.users.domain.addresses import Address
from subgraphs.users.domain.devices import Device
from subgraphs.users.domain.factors import Factor, FactorKind
from subgraphs.users.domain.identities import Identity
from subgraphs.users.storage.audit import Access
from subgraphs.users.storage.data_requests import DataRequest

strawberry.enum(FactorKind, name="SecondFactorKind", description="What a second factor is.")
strawberry.enum(wallet.ConsentPurpose, name="ConsentPurpose", description="What somebody can agree to.")


@strawberry.type(description="An entry of somebody's address book.")
class UserAddress:
    """An entry of an address book."""

    id: strawberry.ID
    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str = strawberry.field(description="ISO 3166-1 alpha-2.")
    phone: str | None
    is_default_shipping: bool
    is_default_billing: bool

    @classmethod
    def of(cls, address: Address) -> UserAddress:
        """Show an address."""
        postal = address.postal
        return cls(
            id=strawberry.ID(address.id),
            name=postal.name,
            line1=postal.line1,
            line2=postal.line2,
            city=postal.city,
            region=postal.region,
            postal_code=postal.postal_code,
            country=postal.country,
            phone=postal.phone,
            is_default_shipping=postal.is_default_shipping,
            is_default_billing=postal.is_default_billing,
        )


@strawberry.type(description="A log-in that has not ended.")
class UserSession:
    """A log-in."""

    id: strawberry.ID
    current: bool = strawberry.field(description="Whether it is the one that asks.")
    agent: str = strawberry.field(description="The program, as it called itself.")
    address: str = strawberry.field(description="The network address that it began from.")
    methods: list[str] = strawberry.field(description="How its user proved who they are (RFC 8176).")
    impersonated: bool = strawberry.field(description="Whether somebody of the support acts in this person's name.")
    created_at: datetime
    last_used_at: datetime
    authenticated_at: datetime

    @classmethod
    def of(cls, device: Device, *, current: str | None) -> UserSession:
        """Show a session."""
        return cls(
            id=strawberry.ID(device.id),
            current=device.id == current,
            agent=device.agent,
            address=device.address,
            methods=sorted(device.methods),
            impersonated=device.impersonator_id is not None,
            created_at=device.created_at,
            last_used_at=device.last_used_at,
            authenticated_at=device.authenticated_at,
        )


@strawberry.type(description="Something that a log-in asks for beside the password.")
class SecondFactor:
    """A second factor."""

    id: strawberry.ID
    kind: FactorKind
    name: str
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, factor: Factor) -> SecondFactor:
        """Show a factor."""
        return cls(
            id=strawberry.ID(factor.id),
            kind=factor.kind,
            name=factor.name,
            created_at=factor.created_at,
            last_used_at=factor.last_used_at,
        )


@strawberry.type(description="An account elsewhere that opens this one.")
class UserIdentity:
    """An identity at a provider."""

    id: strawberry.ID
    provider: str
    email: str | None
    created_at: datetime

    @classmethod
    def of(cls, identity: Identity) -> UserIdentity:
        """Show an identity."""
        return cls(
            id=strawberry.ID(identity.id),
            provider=identity.provider,
            email=identity.email,
            created_at=identity.created_at,
        )


@strawberry.type(description="Something that was agreed to or taken back.")
class Consent:
    """A consent."""

    purpose: wallet.ConsentPurpose
    granted: bool
    wording: str = strawberry.field(description="What was shown to the person.")
    at: datetime

    @classmethod
    def of(cls, consent: wallet.Consent) -> Consent:
        """Show a consent."""
        return cls(purpose=consent.purpose, granted=consent.granted, wording=consent.wording, at=consent.at)


@strawberry.type(description="What somebody pays with; the provider keeps the card, we its token.")
class PaymentMethod:
    """A payment method."""

    id: strawberry.ID
    token: str
    label: str
    is_default: bool

    @classmethod
    def of(cls, method: wallet.PaymentMethod) -> PaymentMethod:
        """Show a payment method."""
        return cls(id=strawberry.ID(method.id), token=method.token, label=method.label, is_default=method.is_default)


@strawberry.type(description="A copy of all personal data, as it is being collected.")
class DataExport:
    """An export."""

    id: strawberry.ID
    done: bool
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, request: DataRequest) -> DataExport:
        """Show an export."""
        return cls(
            id=strawberry.ID(request.id),
            done=request.done,
            created_at=request.created_at,
            finished_at=request.finished_at,
        )


@strawberry.type(description="Somebody of the shop looked at or changed somebody's data.")
class AccessLogEntry:
    """An entry of the access log."""

    actor_id: strawberry.ID
    action: str
    subject_id: strawberry.ID | None
    detail: str
    at: datetime

    @classmethod
    def of(cls, access: Access) -> AccessLogEntry:
        """Show an entry."""
        return cls(
            actor_id=strawberry.ID(access.actor_id),
            action=access.action,
            subject_id=strawberry.ID(access.subject_id) if access.subject_id else None,
            detail=access.detail,
            at=access.at,
        )
