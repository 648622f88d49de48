"""Users and their address books as clients see them.

Whoever may not see a person still gets a `User` with its id, so that another subgraph's reference to it resolves;
nothing is read for it, not even whether it exists, and its personal fields answer FORBIDDEN.
"""

from __future__ import annotations

from datetime import datetime

import strawberry

from kernel.errors import ForbiddenError
from kernel.graphql import ErrorCode, UserError
from kernel.identity import Caller
from subgraphs.users.api.context import Info
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.addresses import Address
from subgraphs.users.domain.errors import TooManyAttemptsError
from subgraphs.users.domain.roles import Role

strawberry.enum(Role, name="UserRole", description="A hat that an account wears.")


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


@strawberry.type(description="Log-in under this e-mail address rests for a while.")
class RateLimitedError(UserError):
    """Too many attempts."""

    retry_after: int = strawberry.field(description="Seconds until the next attempt is looked at.")

    @classmethod
    def of(cls, error: TooManyAttemptsError) -> RateLimitedError:
        """Show the refusal."""
        return cls(code=ErrorCode.RATE_LIMITED, message=error.message, retry_after=error.retry_after)
