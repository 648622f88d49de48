"""What can be changed. Whose account or book it is comes from the caller, except where an administrator names it."""

from __future__ import annotations

import strawberry

from subgraphs.users.api.account_types import UserAddress
from subgraphs.users.api.context import Info
from subgraphs.users.api.inputs import (
    ProofInput,
    UserAddressInput,
    UserAddressUpdateInput,
    UserRegisterInput,
    UserUpdateInput,
    given,
)
from subgraphs.users.api.payloads import (
    SessionPayload,
    UserAddressPayload,
    UserLogoutPayload,
    UserPayload,
    answer,
    person,
    session_shown,
)
from subgraphs.users.api.security_mutations import SecurityMutations
from subgraphs.users.api.staff_mutations import StaffMutations
from subgraphs.users.api.types import User
from subgraphs.users.api.wallet_mutations import WalletMutations
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.addresses import Address


def user_shown(account: Account | None) -> dict[str, User | None]:
    """Show an account in a payload."""
    return {"user": User.of(account) if account else None}


def _address_shown(address: Address) -> dict[str, UserAddress]:
    return {"address": UserAddress.of(address)}


@strawberry.type
class SessionMutations:
    """Accounts are opened, sessions begin, go on and end."""

    @strawberry.mutation(
        description="Open a customer's account. Where the shop is discreet, `user` is null whether or not the address "
        "has an account already: the mail to it tells."
    )
    async def user_register(self, info: Info, input: UserRegisterInput) -> UserPayload:
        """Register."""
        service, client = info.context.service, info.context.caller.client
        return await answer(UserPayload, lambda: service.register(client, **vars(input)), user_shown)

    @strawberry.mutation(description="Exchange e-mail address and password for tokens, or for a second question.")
    async def user_login(self, info: Info, email: str, password: str) -> SessionPayload:
        """Log in."""
        log_in, client = info.context.service.log_in, info.context.caller.client
        return await answer(SessionPayload, lambda: log_in.by_password(email, password, client=client), session_shown)

    @strawberry.mutation(description="Answer the second question of a log-in.")
    async def user_login_confirm(self, info: Info, ticket: str, proof: ProofInput) -> SessionPayload:
        """Log in, second step."""
        log_in, client = info.context.service.log_in, info.context.caller.client
        return await answer(
            SessionPayload,
            lambda: log_in.by_second_factor(ticket, proof.to_domain(), client=client),
            lambda outcome: session_shown(outcome[0]),
        )

    @strawberry.mutation(
        description="Exchange a refresh token for a new pair. Each opens once; used again after a short grace, it ends "
        "the session."
    )
    async def token_refresh(self, info: Info, refresh_token: str) -> SessionPayload:
        """Go on."""
        sessions = info.context.service.sessions
        return await answer(SessionPayload, lambda: sessions.refresh(refresh_token), session_shown)

    @strawberry.mutation(description="End the session of a refresh token. The access token dies with its short life.")
    async def user_logout(self, info: Info, refresh_token: str) -> UserLogoutPayload:
        """Log out."""
        await info.context.service.sessions.log_out(refresh_token)
        return UserLogoutPayload(logged_out=True)


@strawberry.type
class AccountMutations:
    """Profiles and address books change."""

    @strawberry.mutation(description="Change one's own profile.")
    async def user_update(self, info: Info, input: UserUpdateInput) -> UserPayload:
        """Change a profile."""
        accounts, caller = info.context.service.accounts, info.context.caller
        return await answer(UserPayload, lambda: accounts.update_profile(person(caller), given(input)), user_shown)

    @strawberry.mutation(description="Add an address to one's own book.")
    async def user_address_create(self, info: Info, input: UserAddressInput) -> UserAddressPayload:
        """Add an address."""
        book, caller = info.context.service.address_book, info.context.caller
        return await answer(UserAddressPayload, lambda: book.add(person(caller), input.to_domain()), _address_shown)

    @strawberry.mutation(description="Change an address of one's own book.")
    async def user_address_update(
        self, info: Info, id: strawberry.ID, input: UserAddressUpdateInput
    ) -> UserAddressPayload:
        """Change an address."""
        book, caller = info.context.service.address_book, info.context.caller
        return await answer(UserAddressPayload, lambda: book.change(person(caller), id, given(input)), _address_shown)

    @strawberry.mutation(description="Remove an address from one's own book.")
    async def user_address_delete(self, info: Info, id: strawberry.ID) -> UserAddressPayload:
        """Remove an address."""
        book, caller = info.context.service.address_book, info.context.caller
        return await answer(UserAddressPayload, lambda: book.remove(person(caller), id), _address_shown)


@strawberry.type
class Mutation(SessionMutations, AccountMutations, SecurityMutations, WalletMutations, StaffMutations):
    """Writes of the users subgraph."""
