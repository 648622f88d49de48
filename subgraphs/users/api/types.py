"""Users as clients see them.

Whoever may not see a person still gets a `User` with its id, so that another subgraph's reference to it resolves;
nothing is read for it, not even whether it exists, and its personal fields answer FORBIDDEN. What guards the account is
shown to its owner alone, not even to the staff.
"""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.errors import ForbiddenError
from kernel.graphql import CurrencyCode
from kernel.identity import Caller
from subgraphs.users.api.account_types import (
    Consent,
    DataExport,
    PaymentMethod,
    SecondFactor,
    UserAddress,
    UserIdentity,
    UserSession,
)
from subgraphs.users.api.context import Info
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.roles import Role

strawberry.enum(Role, name="UserRole", description="A hat that an account wears.")


@strawberry.federation.type(
    keys=["id"],
    description="Somebody with an account. All fields but `id` are for that person, the staff and our services.",
)
class User:
    """Somebody with an account."""

    id: strawberry.ID
    account: strawberry.Private[Account | None] = None

    @classmethod
    def of(cls, account: Account) -> User:
        """Show an account to somebody who may see it."""
        return cls(id=strawberry.ID(account.id), account=account)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> User | None:  # the key's name
        """Find the user that another subgraph refers to."""
        return await visible_user(info, id) if may_see(info.context.caller, id) else cls(id=id)

    @strawberry.field
    def email(self) -> str | None:
        """Tell the normalised e-mail address."""
        return self._shown.email

    @strawberry.field
    def name(self) -> str | None:
        """Tell the whole name."""
        return self._shown.name

    @strawberry.field
    def phone(self) -> str | None:
        """Tell the phone number, if there is one."""
        return self._shown.phone

    @strawberry.field(description="The language to write to this person in, such as `en` or `de-AT`.")
    def language(self) -> str | None:
        """Tell the language."""
        return self._shown.language

    @strawberry.field(description="The currency that this person prefers to see.")
    def currency(self) -> CurrencyCode | None:
        """Tell the preferred currency."""
        return CurrencyCode(self._shown.currency) if self._shown.currency else None

    @strawberry.field(description="Whether mail to the address is known to reach this person.")
    def email_verified(self) -> bool | None:
        """Tell whether the address is proven."""
        return self._shown.email_verified_at is not None

    @strawberry.field
    def roles(self) -> list[Role] | None:
        """Tell the roles."""
        return sorted(self._shown.roles)

    @strawberry.field
    def created_at(self) -> datetime | None:
        """Tell when the account was opened."""
        return self._shown.created_at

    @strawberry.field(description="The address book, oldest entry first; it holds at most 50.")
    async def addresses(self, info: Info) -> list[UserAddress] | None:
        """Give the address book."""
        return [UserAddress.of(each) for each in await info.context.loaders.addresses.load(self._shown.id)]

    @strawberry.field(description="Log-ins that have not ended, the one used last first; for this person alone.")
    async def sessions(self, info: Info) -> list[UserSession] | None:
        """List the log-ins."""
        devices = await info.context.service.sessions.devices(self._own(info))
        return [UserSession.of(each, current=info.context.caller.session) for each in devices]

    @strawberry.field(description="What a log-in asks for beside the password; for this person alone.")
    async def second_factors(self, info: Info) -> list[SecondFactor] | None:
        """List the second factors."""
        return [SecondFactor.of(each) for each in await info.context.service.factors.of(self._own(info))]

    @strawberry.field(description="How many recovery codes are unused; for this person alone.")
    async def recovery_codes_left(self, info: Info) -> int | None:
        """Count the recovery codes."""
        return await info.context.service.factors.recovery_codes_left(self._own(info))

    @strawberry.field(description="Accounts elsewhere that open this one; for this person alone.")
    async def identities(self, info: Info) -> list[UserIdentity] | None:
        """List the identities."""
        return [UserIdentity.of(each) for each in await info.context.service.identities.of(self._own(info))]

    @strawberry.field(description="All that was agreed to and taken back, newest first; for this person alone.")
    async def consents(self, info: Info) -> list[Consent] | None:
        """List the consents."""
        return [Consent.of(each) for each in await info.context.service.wallet.consents(self._own(info))]

    @strawberry.field(description="What this person pays with; for this person alone.")
    async def payment_methods(self, info: Info) -> list[PaymentMethod] | None:
        """List the payment methods."""
        return [PaymentMethod.of(each) for each in await info.context.service.wallet.methods(self._own(info))]

    @strawberry.field(description="Copies of all personal data that were asked for; for this person alone.")
    async def data_exports(self, info: Info) -> list[DataExport] | None:
        """List the exports."""
        return [DataExport.of(each) for each in await info.context.service.personal_data.exports(self._own(info))]

    def _own(self, info: Info) -> str:
        caller = info.context.caller
        if not caller.authenticated or caller.is_service or caller.id != self.id:
            raise ForbiddenError("This belongs to somebody else.")
        return str(self.id)

    @property
    def _shown(self) -> Account:
        if self.account is None:
            raise ForbiddenError("This belongs to somebody else.")
        return self.account


def may_see(caller: Caller, user_id: str) -> bool:
    """Tell whether a caller may see the personal side of a user."""
    return caller.works_here or caller.is_service or (caller.authenticated and caller.id == user_id)


async def visible_user(info: Info, user_id: str) -> User | None:
    """Load a user for somebody who may see them."""
    account = await info.context.loaders.accounts.load(user_id)
    return User.of(account) if account else None
