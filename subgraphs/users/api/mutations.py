"""What can be changed. Whose account or book it is comes from the caller, except where an administrator names it."""

from __future__ import annotations

from typing import Final

import strawberry

from kernel.errors import DomainError
from kernel.graphql import UserError, user_errors
from kernel.identity import Kind, require
from subgraphs.users.api.context import Info
from subgraphs.users.api.inputs import (
    UserAddressInput,
    UserAddressUpdateInput,
    UserRegisterInput,
    UserUpdateInput,
    given,
)
from subgraphs.users.api.types import RateLimitedError, User, UserAddress
from subgraphs.users.domain.errors import TooManyAttemptsError
from subgraphs.users.domain.roles import Role
from subgraphs.users.service.sessions import Grant

_PEOPLE: Final[frozenset[Kind]] = frozenset({"customer", "vendor", "staff", "admin"})


@strawberry.type
class UserPayload:
    """A user, or why nothing was done."""

    user: User | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class SessionPayload:
    """Tokens, or why there are none."""

    access_token: str | None = strawberry.field(default=None, description="Send it as `Authorization: Bearer …`.")
    refresh_token: str | None = strawberry.field(
        default=None, description="Good for one `tokenRefresh`; keep it where scripts of others cannot read it."
    )
    expires_in: int | None = strawberry.field(default=None, description="Seconds that the access token lives.")
    user: User | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)

    @classmethod
    def of(cls, grant: Grant) -> SessionPayload:
        """Hand out what was granted."""
        return cls(
            access_token=grant.access_token,
            refresh_token=grant.refresh_token,
            expires_in=grant.expires_in,
            user=User.of(grant.account),
        )


@strawberry.type
class UserLogoutPayload:
    """The outcome of a log-out."""

    logged_out: bool
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class UserAddressPayload:
    """An address, or why nothing was done."""

    address: UserAddress | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class SessionMutations:
    """Accounts are opened, sessions begin, go on and end."""

    @strawberry.mutation(description="Open a customer's account.")
    async def user_register(self, info: Info, input: UserRegisterInput) -> UserPayload:  # the schema's name
        """Open an account."""
        try:
            account = await info.context.service.accounts.register(
                email=input.email, password=input.password, name=input.name, language=input.language
            )
        except DomainError as error:
            return UserPayload(errors=_shown(error))
        return UserPayload(user=User.of(account))

    @strawberry.mutation(description="Exchange e-mail address and password for tokens.")
    async def user_login(self, info: Info, email: str, password: str) -> SessionPayload:
        """Log in."""
        try:
            return SessionPayload.of(await info.context.service.sessions.log_in(email, password))
        except DomainError as error:
            return SessionPayload(errors=_shown(error))

    @strawberry.mutation(
        description="Exchange a refresh token for new tokens. Using a token again after its successor was issued ends "
        "the whole session, because it may be stolen; for a few seconds the same successor is given again instead."
    )
    async def token_refresh(self, info: Info, refresh_token: str) -> SessionPayload:
        """Go on with a session."""
        try:
            return SessionPayload.of(await info.context.service.sessions.refresh(refresh_token))
        except DomainError as error:
            return SessionPayload(errors=_shown(error))

    @strawberry.mutation(description="End the session of a refresh token. The access token dies with its short life.")
    async def user_logout(self, info: Info, refresh_token: str) -> UserLogoutPayload:
        """Log out."""
        await info.context.service.sessions.log_out(refresh_token)
        return UserLogoutPayload(logged_out=True)


@strawberry.type
class AccountMutations:
    """Profiles, roles and address books change."""

    @strawberry.mutation(description="Change one's own profile.")
    async def user_update(self, info: Info, input: UserUpdateInput) -> UserPayload:  # the schema's name
        """Change a profile."""
        try:
            account = await info.context.service.accounts.update_profile(_person(info), given(input))
        except DomainError as error:
            return UserPayload(errors=_shown(error))
        return UserPayload(user=User.of(account))

    @strawberry.mutation(description="Give an account exactly these roles beside CUSTOMER; for administrators.")
    async def user_roles_set(self, info: Info, id: strawberry.ID, roles: list[Role]) -> UserPayload:
        """Set roles."""
        try:
            require(info.context.caller, kinds={"admin"})
            account = await info.context.service.accounts.set_roles(id, roles)
        except DomainError as error:
            return UserPayload(errors=_shown(error))
        return UserPayload(user=User.of(account))

    @strawberry.mutation(description="Add an address to one's own book.")
    async def user_address_create(self, info: Info, input: UserAddressInput) -> UserAddressPayload:
        """Add an address."""
        try:
            address = await info.context.service.address_book.add(_person(info), input.to_domain())
        except DomainError as error:
            return UserAddressPayload(errors=_shown(error))
        return UserAddressPayload(address=UserAddress.of(address))

    @strawberry.mutation(description="Change an address of one's own book.")
    async def user_address_update(
        self,
        info: Info,
        id: strawberry.ID,  # the schema's name
        input: UserAddressUpdateInput,  # the schema's name
    ) -> UserAddressPayload:
        """Change an address."""
        try:
            address = await info.context.service.address_book.change(_person(info), id, given(input))
        except DomainError as error:
            return UserAddressPayload(errors=_shown(error))
        return UserAddressPayload(address=UserAddress.of(address))

    @strawberry.mutation(description="Remove an address from one's own book.")
    async def user_address_delete(self, info: Info, id: strawberry.ID) -> UserAddressPayload:
        """Remove an address."""
        try:
            address = await info.context.service.address_book.remove(_person(info), id)
        except DomainError as error:
            return UserAddressPayload(errors=_shown(error))
        return UserAddressPayload(address=UserAddress.of(address))


@strawberry.type
class Mutation(SessionMutations, AccountMutations):
    """Writes of the users subgraph."""


def _person(info: Info) -> str:
    return require(info.context.caller, kinds=_PEOPLE)


def _shown(error: DomainError) -> list[UserError]:
    return user_errors(error, special={TooManyAttemptsError: RateLimitedError.of})
