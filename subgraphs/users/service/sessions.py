"""Sessions: opened by whoever proved who they are, continued token by token, listed, ended.

How somebody proves it is not known here: `login` does by password and second factor, `identities` by a provider.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import uuid7

from kernel import telemetry
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.identity import Client
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.devices import Device
from subgraphs.users.domain.errors import InvalidRefreshTokenError
from subgraphs.users.domain.sessions import (
    RefreshToken,
    Verdict,
    fingerprint,
    first_secret,
    judge,
    new_nonce,
    successor_of,
)
from subgraphs.users.service.tokens import AccessTokens
from subgraphs.users.storage import accounts as stored_accounts
from subgraphs.users.storage import sessions as stored
from subgraphs.users.storage.personal import PersonalKeys
from subgraphs.users.storage.revocations import Revocations

_log = telemetry.get_logger("users")


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a log-in lasts, and how long it counts as fresh proof."""

    refresh_lifetime: timedelta = timedelta(days=30)
    family_lifetime: timedelta = timedelta(days=180)
    grace: timedelta = timedelta(seconds=10)
    proof_window: timedelta = timedelta(minutes=10)
    impersonation_lifetime: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a log-in or a refresh gives."""

    account: Account
    access_token: str
    refresh_token: str | None
    expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Turns proof of who somebody is into tokens, and old tokens into new ones."""

    database: Database
    keys: PersonalKeys
    tokens: AccessTokens
    clock: Clock
    rules: SessionRules
    revocations: Revocations
    refreshing: dict[bytes, asyncio.Task[Grant | None]] = field(default_factory=dict[bytes, Any])
    """Refreshes under way in this process, by the hash of their token."""

    async def open(
        self,
        session: AsyncSession,
        account: Account,
        *,
        methods: frozenset[str],
        client: Client,
        csrf: str | None = None,
    ) -> Grant:
        """Begin a session, in the caller's transaction; `csrf` is the hash of the secret that a cookie session has."""
        now, secret = self.clock.now(), first_secret()
        device = _new_device(account.id, now, methods=methods, client=client)
        key = await stored_accounts.required_key(session, self.keys, account.id)
        await stored.insert_family(session, key, device, expires_at=now + self.rules.family_lifetime, csrf=csrf)
        await self._store(session, secret, family_id=device.id, parent=None, now=now)
        return self._grant(account, device, secret, csrf)

    async def impersonate(self, session: AsyncSession, account: Account, *, actor_id: str, client: Client) -> Grant:
        """Begin a session in somebody else's name: short, marked in its token, without a way to prolong it."""
        now = self.clock.now()
        device = _new_device(account.id, now, methods=frozenset({"imp"}), client=client, impersonator_id=actor_id)
        key = await stored_accounts.required_key(session, self.keys, account.id)
        await stored.insert_family(session, key, device, expires_at=now + self.rules.impersonation_lifetime)
        return self._grant(account, device, None, None)

    async def refresh(self, secret: str) -> Grant:
        """Exchange a refresh token for its successor and a new access token.

        Requests that bring the same token at once share one answer in this process, and one row lock with others. What
        counts for the grace is when a request came, not when its turn did.

        Raises:
            InvalidRefreshTokenError: it opens nothing; if it was used before, nothing of its family does any more.
        """
        print_ = fingerprint(secret)
        refreshing = self.refreshing.get(print_)
        if refreshing is None:
            refreshing = asyncio.create_task(self._refresh(secret, print_, arrived=self.clock.now()))
            self.refreshing[print_] = refreshing
            refreshing.add_done_callback(lambda _: self.refreshing.pop(print_))
        grant = await asyncio.shield(refreshing)
        if grant is None:
            raise InvalidRefreshTokenError
        return grant

    async def log_out(self, secret: str) -> None:
        """End the session that a refresh token belongs to; one that opens nothing is no error."""
        async with self.database.transaction() as session:
            ended = await stored.revoke_by_token(session, fingerprint(secret), reason="logout", now=self.clock.now())
            self.revocations.tell_after(session, ended)

    async def devices(self, user_id: str) -> list[Device]:
        """List the sessions of somebody that have not ended."""
        async with self.database.session() as session:
            return await stored.live_devices(session, self.keys, user_id, self.clock.now())

    async def device(self, session: AsyncSession, user_id: str, session_id: str | None) -> Device | None:
        """Give one session of somebody, if it has not ended."""
        if session_id is None:
            return None
        found = await stored.live_devices(session, self.keys, user_id, self.clock.now(), only=session_id)
        return found[0] if found else None

    async def revoke(self, user_id: str, session_id: str) -> None:
        """End one session.

        Raises:
            NotFoundError: it is not this user's, or has ended.
        """
        async with self.database.transaction() as session:
            now = self.clock.now()
            ended = await stored.revoke_of_user(session, user_id, reason="revoked", now=now, only=session_id)
            if not ended:
                raise NotFoundError("There is no such session.", path=("id",))
            self.revocations.tell_after(session, ended)

    async def revoke_all(self, user_id: str, *, but: str | None = None, reason: str = "revoked") -> int:
        """End all sessions of somebody, but perhaps the one they are using; tell how many."""
        async with self.database.transaction() as session:
            return await self.revoke_all_in(session, user_id, but=but, reason=reason)

    async def revoke_all_in(
        self, session: AsyncSession, user_id: str, *, but: str | None = None, reason: str = "revoked"
    ) -> int:
        """End all sessions of somebody in the caller's transaction."""
        ended = await stored.revoke_of_user(session, user_id, reason=reason, now=self.clock.now(), but=but)
        self.revocations.tell_after(session, ended)
        return len(ended)

    async def note_proof(self, session: AsyncSession, device: Device, method: str) -> None:
        """Note that the user of a session proved again who they are."""
        proven = replace(device, authenticated_at=self.clock.now(), methods=device.methods | {method})
        await stored.note_proof(session, proven)

    async def tell_ended(self) -> int:
        """Tell the router again of sessions whose access tokens could be good still; it may have missed some."""
        since = self.clock.now() - self.revocations.lifetime
        async with self.database.session() as session:
            ended = await stored.revoked_since(session, since)
        await self.revocations.tell(ended)
        return 0

    async def forget_expired(self) -> int:
        """Remove sessions that ended by time, some at a time; tell how many."""
        async with self.database.transaction() as session:
            return await stored.delete_expired(session, self.clock.now())

    async def _refresh(self, secret: str, print_: bytes, *, arrived: datetime) -> Grant | None:
        async with self.database.transaction() as session:
            token = await stored.token_under_lock(session, print_)
            return await self._continue(session, token, secret, print_, arrived) if token else None

    async def _continue(
        self, session: AsyncSession, token: RefreshToken, secret: str, print_: bytes, arrived: datetime
    ) -> Grant | None:
        now = self.clock.now()
        verdict = judge(token, arrived, grace=self.rules.grace)
        if verdict is Verdict.REVOKE_FAMILY:
            _log.warning("used token presented again; its session is revoked", user_id=token.user_id)
            await stored.revoke_family(session, token.family_id, reason="reuse", now=now)
            self.revocations.tell_after(session, [token.family_id])
        if verdict in {Verdict.REVOKE_FAMILY, Verdict.REFUSE}:
            return None
        nonce = token.successor_nonce or new_nonce()
        successor = successor_of(secret, nonce)
        if verdict is Verdict.ROTATE:
            await stored.mark_used(session, print_, nonce=nonce, now=now)
            await self._store(session, successor, family_id=token.family_id, parent=print_, now=now)
            await stored.note_use(session, token.family_id, now)
        account = await stored_accounts.account_by_id(session, self.keys, token.user_id)
        device = await self.device(session, token.user_id, token.family_id)
        csrf = await stored.csrf_of(session, token.family_id)
        return self._grant(account, device, successor, csrf) if account and device else None

    async def _store(
        self, session: AsyncSession, secret: str, *, family_id: str, parent: bytes | None, now: datetime
    ) -> None:
        await stored.insert_token(
            session,
            fingerprint(secret),
            family_id=family_id,
            parent=parent,
            now=now,
            expires_at=now + self.rules.refresh_lifetime,
        )

    def _grant(self, account: Account, device: Device, secret: str | None, csrf: str | None) -> Grant:
        return Grant(
            account=account,
            access_token=self.tokens.issue(account, device, csrf=csrf),
            refresh_token=secret,
            expires_in=self.tokens.expires_in,
        )


def _new_device(
    user_id: str, now: datetime, *, methods: frozenset[str], client: Client, impersonator_id: str | None = None
) -> Device:
    return Device(
        id=str(UUID(int=uuid7().int)),
        user_id=user_id,
        created_at=now,
        last_used_at=now,
        authenticated_at=now,
        methods=methods,
        agent=client.agent,
        address=client.address,
        impersonator_id=impersonator_id,
    )
