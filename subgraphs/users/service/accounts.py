"""Open an account, change it, find it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.events.catalogue import UserProfileUpdated, UserRegistered
from kernel.events.outbox import record
from kernel.ids import new_id
from kernel.pagination import Page, Slice
from subgraphs.users.domain.accounts import (
    Account,
    change_profile,
    checked_language,
    checked_name,
    normalise_email,
)
from subgraphs.users.domain.passwords import check_new_password
from subgraphs.users.domain.roles import Role
from subgraphs.users.service.passwords import PasswordHasher
from subgraphs.users.storage import accounts as stored
from subgraphs.users.storage import search
from subgraphs.users.storage.search import Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts of the shop."""

    database: Database
    hasher: PasswordHasher
    clock: Clock

    async def register(self, *, email: str, password: str, name: str, language: str) -> Account:
        """Open a customer's account.

        Raises:
            InvalidInputError: address, password or name cannot be accepted.
            EmailTakenError: the address has an account.
        """
        now = self.clock.now()
        account = Account(
            id=new_id("usr"),
            email=normalise_email(email),
            name=checked_name(name),
            phone=None,
            language=checked_language(language),
            roles=frozenset({Role.CUSTOMER}),
            version=1,
            created_at=now,
            updated_at=now,
        )
        hashed = await self.hasher.hash(check_new_password(password, email=account.email))
        opened = UserRegistered(user_id=account.id, email=account.email, name=account.name, language=account.language)
        async with self.database.transaction() as session:
            await stored.insert_account(session, account, hashed)
            await record(session, opened, subject=account.id, aggregate_version=account.version)
        return account

    async def by_id(self, ids: Sequence[str]) -> dict[str, Account]:
        """Read many accounts at once."""
        async with self.database.session() as session:
            return await stored.accounts_by_id(session, ids)

    async def update_profile(self, user_id: str, wanted: Mapping[str, str | None]) -> Account:
        """Change what is wanted of a profile; what stays the same is neither stored nor told.

        Raises:
            InvalidInputError: a value cannot be accepted.
            NotFoundError: there is no such account.
        """
        return await self._change(user_id, lambda account: change_profile(account, wanted))

    async def set_roles(self, user_id: str, roles: Collection[Role]) -> Account:
        """Give an account exactly these roles; they take effect with its next access token.

        Raises:
            NotFoundError: there is no such account.
        """

        def with_roles(account: Account) -> tuple[Account, tuple[str, ...]]:
            wanted = frozenset(roles) | {Role.CUSTOMER}
            return replace(account, roles=wanted), ("roles",) if wanted != account.roles else ()

        return await self._change(user_id, with_roles)

    async def search(self, page: Page, wanted: Filter) -> Slice[Account]:
        """Give one page of the accounts that fit, newest first."""
        async with self.database.session() as session:
            return await search.page_of_accounts(session, page, wanted)

    async def count(self, wanted: Filter) -> int:
        """Count the accounts that fit."""
        async with self.database.session() as session:
            return await search.count_accounts(session, wanted)

    async def _change(self, user_id: str, change: Callable[[Account], tuple[Account, tuple[str, ...]]]) -> Account:
        async with self.database.transaction() as session:
            account = await stored.account_by_id(session, user_id, lock=True)
            if account is None:
                raise NotFoundError("There is no such account.", path=("id",))
            wanted, changed = change(account)
            if not changed:
                return account
            after = replace(wanted, version=account.version + 1, updated_at=self.clock.now())
            await stored.update_account(session, after)
            await record(session, _told(after, changed), subject=after.id, aggregate_version=after.version)
        return after


def _told(account: Account, changed: tuple[str, ...]) -> UserProfileUpdated:
    return UserProfileUpdated(
        user_id=account.id, email=account.email, name=account.name, language=account.language, changed=changed
    )
