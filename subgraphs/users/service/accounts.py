"""Open an account, change it, find it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.events.catalogue import UserEmailVerified, UserProfileUpdated, UserRegistered
from kernel.events.outbox import record
from kernel.pagination import Page, Slice
from subgraphs.users.domain.accounts import (
    Account,
    change_profile,
    checked_language,
    checked_name,
    new_account,
    normalise_email,
)
from subgraphs.users.domain.errors import EmailTakenError
from subgraphs.users.domain.passwords import check_new_password
from subgraphs.users.domain.roles import Role
from subgraphs.users.domain.secrets import Purpose
from subgraphs.users.service.passwords import PasswordHasher
from subgraphs.users.service.secrets import OneTimeSecrets
from subgraphs.users.storage import accounts as stored
from subgraphs.users.storage import search
from subgraphs.users.storage.personal import PersonalKeys
from subgraphs.users.storage.search import Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts of the shop."""

    database: Database
    keys: PersonalKeys
    hasher: PasswordHasher
    secrets: OneTimeSecrets
    clock: Clock

    async def register(self, *, email: str, password: str, name: str, language: str, discreet: bool) -> Account | None:
        """Open a customer's account.

        A discreet one looks the same from outside whether or not the address has an account: the answer is in the mail.

        Raises:
            InvalidInputError: address, password or name cannot be accepted.
            EmailTakenError: the address has an account, and that is no secret.
            TooManyAttemptsError: too many passwords wait to be hashed.
        """
        now = self.clock.now()
        account = new_account(
            normalise_email(email),
            checked_name(name),
            roles=frozenset({Role.CUSTOMER}),
            at=now,
            language=checked_language(language),
        )
        hashed = await self.hasher.hash(check_new_password(password, email=account.email))
        try:
            async with self.database.transaction() as session:
                await self.open(session, account, hashed)
        except EmailTakenError:
            if not discreet:
                raise
            await self._tell_owner(account.email)
        return None if discreet else account

    async def open_proven(self, *, email: str, password: str, name: str, roles: frozenset[Role]) -> Account:
        """Open an account for somebody who is known, at the command line.

        Raises:
            InvalidInputError: address, password or name cannot be accepted.
            EmailTakenError: the address has an account.
        """
        now = self.clock.now()
        account = new_account(normalise_email(email), checked_name(name), roles=roles, at=now, verified=True)
        hashed = await self.hasher.hash(check_new_password(password, email=account.email))
        async with self.database.transaction() as session:
            await self.open(session, account, hashed)
        return account

    async def open(self, session: AsyncSession, account: Account, password_hash: str | None) -> None:
        """Store a new account and tell of it, in the caller's transaction; an unproven address gets its mail.

        Raises:
            EmailTakenError: the address has an account.
        """
        await stored.insert_account(session, self.keys, account, password_hash)
        opened = UserRegistered(user_id=account.id, email=account.email, name=account.name, language=account.language)
        await record(session, opened, subject=account.id, aggregate_version=account.version)
        if account.email_verified_at is None:
            await self.secrets.mail(session, account, Purpose.VERIFY_EMAIL)
        else:
            verified = UserEmailVerified(user_id=account.id, email=account.email)
            await record(session, verified, subject=account.id, aggregate_version=account.version)

    async def by_id(self, ids: Sequence[str]) -> dict[str, Account]:
        """Read many accounts at once."""
        async with self.database.session() as session:
            return await stored.accounts_by_id(session, self.keys, ids)

    async def update_profile(self, user_id: str, wanted: Mapping[str, str | None]) -> Account:
        """Change what is wanted of a profile; what stays the same is neither stored nor told.

        Raises:
            InvalidInputError: a value cannot be accepted.
            NotFoundError: there is no such account.
        """
        return await self._change(user_id, lambda account: change_profile(account, wanted))

    async def search(self, page: Page, wanted: Filter) -> Slice[Account]:
        """Give one page of the accounts that fit, newest first."""
        async with self.database.session() as session:
            return await search.page_of_accounts(session, self.keys, page, wanted)

    async def count(self, wanted: Filter) -> int:
        """Count the accounts that fit."""
        async with self.database.session() as session:
            return await search.count_accounts(session, self.keys, wanted)

    async def change_in(
        self, session: AsyncSession, user_id: str, change: Callable[[Account], tuple[Account, tuple[str, ...]]]
    ) -> Account:
        """Change an account in the caller's transaction, and tell of it where something really changed.

        Raises:
            NotFoundError: there is no such account.
            EmailTakenError: its new address has an account.
        """
        account = await stored.account_by_id(session, self.keys, user_id, lock=True)
        if account is None:
            raise NotFoundError("There is no such account.", path=("id",))
        wanted, changed = change(account)
        if not changed:
            return account
        after = replace(wanted, version=account.version + 1, updated_at=self.clock.now())
        await stored.update_account(session, self.keys, after)
        await record(session, _told(after, changed), subject=after.id, aggregate_version=after.version)
        return after

    async def rewrap_keys(self) -> int:
        """Wrap data keys under the ring's newest key, some at a time; tell how many."""
        await asyncio.to_thread(self.keys.ring.reload)
        async with self.database.transaction() as session:
            return await stored.rewrap_some(session, self.keys)

    async def _change(self, user_id: str, change: Callable[[Account], tuple[Account, tuple[str, ...]]]) -> Account:
        async with self.database.transaction() as session:
            return await self.change_in(session, user_id, change)

    async def _tell_owner(self, email: str) -> None:
        """Tell the owner of an address that somebody wanted to register with it."""
        async with self.database.transaction() as session:
            found = await stored.account_by_email(session, self.keys, email)
            if found is not None:
                await self.secrets.tell(session, found[0], "already_registered")


def _told(account: Account, changed: tuple[str, ...]) -> UserProfileUpdated:
    return UserProfileUpdated(
        user_id=account.id, email=account.email, name=account.name, language=account.language, changed=changed
    )
