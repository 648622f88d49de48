"""Log in, stay logged in, log out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import uuid7

from kernel import telemetry
from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InvalidInputError
from subgraphs.users.domain.accounts import Account, normalise_email
from subgraphs.users.domain.errors import InvalidCredentialsError, InvalidRefreshTokenError
from subgraphs.users.domain.sessions import (
    RefreshToken,
    Verdict,
    fingerprint,
    first_secret,
    judge,
    new_nonce,
    successor_of,
)
from subgraphs.users.service.passwords import PasswordHasher
from subgraphs.users.service.tokens import AccessTokens
from subgraphs.users.storage import accounts as stored_accounts
from subgraphs.users.storage import sessions as stored
from subgraphs.users.storage.throttle import LoginThrottle

_log = telemetry.get_logger("users")


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a log-in lasts."""

    refresh_lifetime: timedelta = timedelta(days=30)
    family_lifetime: timedelta = timedelta(days=180)
    grace: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a log-in or a refresh gives."""

    account: Account
    access_token: str
    refresh_token: str
    expires_in: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Turns credentials into tokens and old tokens into new ones."""

    database: Database
    hasher: PasswordHasher
    throttle: LoginThrottle
    tokens: AccessTokens
    clock: Clock
    rules: SessionRules

    async def log_in(self, email: str, password: str) -> Grant:
        """Open a session.

        Unknown address and wrong password cost the same work and get the same answer.

        Raises:
            InvalidCredentialsError: they do not fit.
            TooManyAttemptsError: too many have failed under this address.
        """
        address = _lenient_email(email)
        await self.throttle.admit(address, self.clock.now())
        async with self.database.session() as session:
            found = await stored_accounts.account_with_hash(session, address)
        known_hash = found[1] if found else None
        kept_hash = await self.hasher.verify(password, known_hash)
        if found is None or known_hash is None or kept_hash is None:
            raise InvalidCredentialsError
        await self.throttle.forgive(address)
        return await self._open(found[0], known_hash, kept_hash)

    async def refresh(self, secret: str) -> Grant:
        """Exchange a refresh token for its successor and a new access token.

        Raises:
            InvalidRefreshTokenError: it opens nothing; if it was used before, nothing of its family does any more.
        """
        print_ = fingerprint(secret)
        async with self.database.transaction() as session:
            token = await stored.token_under_lock(session, print_)
            grant = await self._continue(session, token, secret, print_) if token else None
        if grant is None:
            raise InvalidRefreshTokenError
        return grant

    async def log_out(self, secret: str) -> None:
        """End the session that a refresh token belongs to; one that opens nothing is no error."""
        async with self.database.transaction() as session:
            await stored.revoke_by_token(session, fingerprint(secret), reason="logout", now=self.clock.now())

    async def forget_expired(self) -> int:
        """Remove sessions that ended by time, some at a time; tell how many."""
        async with self.database.transaction() as session:
            return await stored.delete_expired(session, self.clock.now())

    async def _open(self, account: Account, known_hash: str, kept_hash: str) -> Grant:
        now, family_id, secret = self.clock.now(), str(UUID(int=uuid7().int)), first_secret()
        ends = now + self.rules.family_lifetime
        async with self.database.transaction() as session:
            if kept_hash != known_hash:
                await stored_accounts.replace_hash(session, account.id, known_hash, kept_hash, now)
            await stored.insert_family(session, family_id, user_id=account.id, now=now, expires_at=ends)
            await self._store(session, secret, family_id=family_id, parent=None, now=now)
        return self._grant(account, family_id, secret)

    async def _continue(self, session: AsyncSession, token: RefreshToken, secret: str, print_: bytes) -> Grant | None:
        now = self.clock.now()
        verdict = judge(token, now, grace=self.rules.grace)
        if verdict is Verdict.REVOKE_FAMILY:
            _log.warning("refresh token reused; its session is revoked", user_id=token.user_id)
            await stored.revoke_family(session, token.family_id, reason="reuse", now=now)
        if verdict in {Verdict.REVOKE_FAMILY, Verdict.REFUSE}:
            return None
        nonce = token.successor_nonce or new_nonce()
        successor = successor_of(secret, nonce)
        if verdict is Verdict.ROTATE:
            await stored.mark_used(session, print_, nonce=nonce, now=now)
            await self._store(session, successor, family_id=token.family_id, parent=print_, now=now)
        account = await stored_accounts.account_by_id(session, token.user_id)
        return self._grant(account, token.family_id, successor) if account else None

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

    def _grant(self, account: Account, family_id: str, secret: str) -> Grant:
        return Grant(
            account=account,
            access_token=self.tokens.issue(account, family_id),
            refresh_token=secret,
            expires_in=self.tokens.expires_in,
        )


def _lenient_email(text: str) -> str:
    """Normalise an address; one that cannot be any takes the same road as one that nobody has."""
    try:
        return normalise_email(text)
    except InvalidInputError:
        return text.strip().lower()[:254]
