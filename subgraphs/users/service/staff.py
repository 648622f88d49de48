"""What the shop's people do with other people's accounts; each time it is written down who did it to whom."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.events.catalogue import ChangedInSomebodysName
from kernel.identity import Caller, require
from kernel.pagination import Page, Slice
from subgraphs.users.domain.accounts import Account, checked_name, new_account, normalise_email
from subgraphs.users.domain.roles import Role
from subgraphs.users.domain.secrets import Purpose
from subgraphs.users.service.accounts import Accounts
from subgraphs.users.service.login import LogIn
from subgraphs.users.service.secrets import OneTimeSecrets
from subgraphs.users.service.sessions import Grant, Sessions
from subgraphs.users.storage import accounts as stored
from subgraphs.users.storage import audit
from subgraphs.users.storage.audit import Access
from subgraphs.users.storage.personal import PersonalKeys

_WORKS_HERE: Final = frozenset({Role.STAFF, Role.SUPPORT, Role.WAREHOUSE, Role.ADMIN})
_LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Manages those who work here, and what they do in others' accounts."""

    database: Database
    keys: PersonalKeys
    accounts: Accounts
    sessions: Sessions
    log_in: LogIn
    secrets: OneTimeSecrets
    clock: Clock
    audit_kept: timedelta

    async def set_roles(self, caller: Caller, user_id: str, roles: Collection[Role]) -> Account:
        """Give an account exactly these roles beside CUSTOMER; its sessions end, so that they count at once.

        Raises:
            NotFoundError: there is no such account.
            StepUpRequiredError: the administrator gave no fresh proof.
            ConflictError: nobody takes the role of administrator from themselves.
        """
        require(caller, kinds={"admin"}, scopes={"users:write"})
        await self.log_in.require_fresh_proof(caller)
        wanted = frozenset(roles) | {Role.CUSTOMER}
        if user_id == caller.id and Role.ADMIN not in wanted:
            raise ConflictError("Another administrator must do this.", path=("roles",))

        def with_roles(account: Account) -> tuple[Account, tuple[str, ...]]:
            return replace(account, roles=wanted), ("roles",) if wanted != account.roles else ()

        async with self.database.transaction() as session:
            before = await stored.account_by_id(session, self.keys, user_id)
            account = await self.accounts.change_in(session, user_id, with_roles)
            if before is not None and before.roles - wanted:
                but = caller.session if user_id == caller.id else None
                await self.sessions.revoke_all_in(session, user_id, but=but, reason="roles")
            await self._note(session, caller, "roles.set", [user_id], ",".join(sorted(wanted)))
        return account

    async def invite(self, caller: Caller, *, email: str, name: str, roles: Collection[Role]) -> Account:
        """Open an account for a colleague, who sets a password by the link in a mail.

        Raises:
            EmailTakenError: the address has an account; give that one the roles.
            StepUpRequiredError: the administrator gave no fresh proof.
        """
        require(caller, kinds={"admin"}, scopes={"users:write"})
        await self.log_in.require_fresh_proof(caller)
        now = self.clock.now()
        account = new_account(
            normalise_email(email), checked_name(name), roles=frozenset(roles) | {Role.CUSTOMER}, at=now
        )
        async with self.database.transaction() as session:
            await self.accounts.open(session, account, None)
            await self.secrets.mail(session, account, Purpose.RESET_PASSWORD)
            await self._note(session, caller, "staff.invite", [account.id], ",".join(sorted(account.roles)))
        return account

    async def impersonate(self, caller: Caller, user_id: str, *, reason: str) -> Grant:
        """Act in a customer's name for a while, to see what they see.

        Raises:
            ForbiddenError: this is no customer's account.
            StepUpRequiredError: there is no fresh proof.
        """
        actor = require(caller, kinds={"staff", "admin"}, scopes={"users:impersonate"})
        if not 0 < len(reason.strip()) <= _LONGEST_REASON:
            raise InvalidInputError("Say why, for the log.", path=("reason",))
        await self.log_in.require_fresh_proof(caller)
        async with self.database.transaction() as session:
            account = await stored.account_by_id(session, self.keys, user_id)
            if account is None:
                raise NotFoundError("There is no such account.", path=("id",))
            if account.roles & _WORKS_HERE:
                raise ForbiddenError("Nobody acts in the name of a colleague.")
            await self._note(session, caller, "impersonate", [user_id], reason.strip())
            return await self.sessions.impersonate(session, account, actor_id=actor, client=caller.client)

    async def revoke_sessions(self, caller: Caller, user_id: str) -> int:
        """End all sessions of somebody whose account is in the wrong hands; tell how many."""
        require(caller, kinds={"staff", "admin"}, scopes={"sessions:revoke"})
        async with self.database.transaction() as session:
            await self._note(session, caller, "sessions.revoke", [user_id], "")
            return await self.sessions.revoke_all_in(session, user_id, reason="staff")

    async def note_reading(self, caller: Caller, user_ids: Collection[str], *, detail: str = "") -> None:
        """Write down that somebody of the staff looked at others' accounts."""
        others = sorted(set(user_ids) - {caller.id or ""})
        if caller.works_here and others:
            async with self.database.transaction() as session:
                await self._note(session, caller, "read", others, detail)

    async def note_change(self, session: AsyncSession, change: ChangedInSomebodysName) -> None:
        """Write down what a subgraph says was asked of it in somebody's name."""
        await audit.insert_accesses(
            session,
            actor_id=change.actor_id,
            action=f"impersonated.{change.subgraph}",
            subject_ids=[change.user_id],
            detail=", ".join(change.fields),
            at=self.clock.now(),
        )

    async def log(self, caller: Caller, page: Page, *, subject_id: str | None, actor_id: str | None) -> Slice[Access]:
        """Read the log of accesses."""
        require(caller, kinds={"admin"}, scopes={"audit:read"})
        async with self.database.session() as session:
            return await audit.page_of_accesses(session, page, subject_id=subject_id, actor_id=actor_id)

    async def forget_old_accesses(self) -> int:
        """Remove what the log has kept for long enough; tell how many rows."""
        async with self.database.transaction() as session:
            return await audit.delete_older(session, self.clock.now() - self.audit_kept)

    async def _note(
        self, session: AsyncSession, caller: Caller, action: str, subject_ids: Collection[str], detail: str
    ) -> None:
        await audit.insert_accesses(
            session,
            actor_id=caller.id or "",
            action=action,
            subject_ids=subject_ids,
            detail=detail,
            at=self.clock.now(),
        )
