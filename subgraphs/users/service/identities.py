"""Log-in by what a provider says, and which identities open which account.

A provider's word never opens an account that another person may own: an address that has an account here opens it only
after a mail to that very address was answered, or when its owner, logged in, asked for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum, auto
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.identity import Caller, Client
from subgraphs.users.domain.accounts import Account, checked_name, new_account, normalise_email
from subgraphs.users.domain.identities import Claims, Identity
from subgraphs.users.domain.roles import Role
from subgraphs.users.domain.secrets import Purpose
from subgraphs.users.service.accounts import Accounts
from subgraphs.users.service.login import Challenge, LogIn
from subgraphs.users.service.providers import Provider
from subgraphs.users.service.secrets import OneTimeSecrets
from subgraphs.users.service.sessions import Grant
from subgraphs.users.storage import accounts as stored_accounts
from subgraphs.users.storage import identities as stored
from subgraphs.users.storage.personal import PersonalKeys


class Refusal(Enum):
    """Why a provider's word opens nothing."""

    EMAIL_MISSING = auto()
    """The provider tells no verified address, and without one there is no account."""
    CONFIRM_BY_MAIL = auto()
    """The address has an account; a mail went to it, and its link joins the two."""


Outcome: TypeAlias = Grant | Challenge | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Joins accounts here with accounts elsewhere."""

    database: Database
    keys: PersonalKeys
    accounts: Accounts
    log_in: LogIn
    secrets: OneTimeSecrets
    clock: Clock
    providers: Mapping[str, Provider]

    def provider(self, name: str) -> Provider:
        """Give a provider by its name.

        Raises:
            NotFoundError: the shop knows none of that name.
        """
        if name not in self.providers:
            raise NotFoundError("There is no such provider.", path=("provider",))
        return self.providers[name]

    async def enter(self, claims: Claims, *, client: Client, csrf: str | None) -> Outcome:
        """Open a session for somebody whom a provider knows; with an account of their own where they have none."""
        async with self.database.transaction() as session:
            owner_id = await stored.owner_of(session, self.keys, claims)
            if owner_id is None:
                found = await self._account_for(session, claims)
                if isinstance(found, Refusal):
                    return found
                account = found
            else:
                account = await self._account(session, owner_id)
            methods = frozenset({"fed"})
            return await self.log_in.admit(session, account, methods=methods, client=client, csrf=csrf)

    async def begin_link(self, caller: Caller, provider: str) -> str:
        """Make the ticket with which the caller's browser goes to a provider, to join what it says with this account.

        Raises:
            StepUpRequiredError: there is no fresh proof.
        """
        self.provider(provider)
        async with self.database.transaction() as session:
            await self.log_in.insist_on_fresh_proof(session, caller)
            return await self.secrets.issue(session, caller.id or "", Purpose.BEGIN_LINK, {"provider": provider})

    async def owner_of_ticket(self, ticket: str, provider: str) -> str:
        """Use up the ticket of somebody who wants to join an identity; give their id.

        Raises:
            InvalidSecretError: it opens nothing.
        """
        async with self.database.transaction() as session:
            asked = await self.secrets.redeem(session, ticket, Purpose.BEGIN_LINK)
        if asked.payload["provider"] != provider:
            raise ConflictError("This was begun with another provider.")
        return asked.user_id

    async def link(self, user_id: str, claims: Claims) -> Identity:
        """Let an identity open an account, as its owner asked.

        Raises:
            ConflictError: it opens one already.
        """
        async with self.database.transaction() as session:
            account = await self._account(session, user_id)
            return await self._join(session, account, claims)

    async def confirm_link(self, secret: str) -> Account:
        """Join what a provider said with the account whose owner answered the mail.

        Raises:
            InvalidSecretError: the secret opens nothing.
            ConflictError: the identity was joined with an account meanwhile.
        """
        async with self.database.transaction() as session:
            redeemed = await self.secrets.redeem(session, secret, Purpose.LINK_IDENTITY)
            account = await self._account(session, redeemed.user_id)
            await self._join(session, account, Claims(**redeemed.payload["claims"]))
        return account

    async def of(self, user_id: str) -> list[Identity]:
        """List the identities that open somebody's account."""
        async with self.database.session() as session:
            key = await stored_accounts.required_key(session, self.keys, user_id)
            return await stored.identities_of(session, key)

    async def unlink(self, caller: Caller, identity_id: str) -> None:
        """Let an identity open the caller's account no longer.

        Raises:
            NotFoundError: it is not theirs.
            ConflictError: it is the only way into the account.
        """
        user_id = caller.id or ""
        async with self.database.transaction() as session:
            await self.log_in.insist_on_fresh_proof(session, caller)
            await stored_accounts.lock_account(session, user_id)
            if not await stored.delete_identity(session, user_id, identity_id):
                raise NotFoundError("There is no such identity.", path=("id",))
            others = await stored.identities_of(
                session, await stored_accounts.required_key(session, self.keys, user_id)
            )
            if not others and await stored_accounts.password_hash_of(session, user_id) is None:
                raise ConflictError("Set a password first: this is the only way into the account.", path=("id",))

    async def _account_for(self, session: AsyncSession, claims: Claims) -> Account | Refusal:
        if claims.email is None or not claims.email_verified:
            return Refusal.EMAIL_MISSING
        found = await stored_accounts.account_by_email(session, self.keys, normalise_email(claims.email))
        if found is not None:
            payload = {"claims": asdict(claims)}
            await self.secrets.mail(session, found[0], Purpose.LINK_IDENTITY, payload)
            return Refusal.CONFIRM_BY_MAIL
        now = self.clock.now()
        account = new_account(
            normalise_email(claims.email), _name_of(claims), roles=frozenset({Role.CUSTOMER}), at=now, verified=True
        )
        await self.accounts.open(session, account, None)
        await self._join(session, account, claims)
        return account

    async def _join(self, session: AsyncSession, account: Account, claims: Claims) -> Identity:
        key = await stored_accounts.required_key(session, self.keys, account.id)
        identity = await stored.insert_identity(session, self.keys, key, claims, self.clock.now())
        await self.secrets.tell(session, account, "identity_linked")
        return identity

    async def _account(self, session: AsyncSession, user_id: str) -> Account:
        account = await stored_accounts.account_by_id(session, self.keys, user_id)
        if account is None:
            raise NotFoundError("There is no such account.", path=("id",))
        return account


def _name_of(claims: Claims) -> str:
    try:
        return checked_name(claims.name)
    except InvalidInputError:
        return (claims.email or "").partition("@")[0]
