"""Issues one-time secrets and redeems them.

A secret that goes out by mail travels as an event to whoever writes the mail. There it is sealed under a key that only
our own processes can derive, so that neither the outbox nor a broker nor an inbox ever holds it in the clear.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.events.catalogue import AccountMailDue
from kernel.events.outbox import record
from kernel.sealing import seal
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.errors import InvalidSecretError
from subgraphs.users.domain.secrets import OneTimeSecret, Purpose, lifetime_of, new_secret
from subgraphs.users.domain.sessions import fingerprint
from subgraphs.users.storage import accounts as stored_accounts
from subgraphs.users.storage import secrets as stored
from subgraphs.users.storage.personal import PersonalKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeSecrets:
    """Makes secrets and takes them back in."""

    database: Database
    keys: PersonalKeys
    clock: Clock
    mail_key: bytes
    """Seals what is on its way into a mail."""

    async def issue(
        self, session: AsyncSession, user_id: str, purpose: Purpose, payload: dict[str, Any] | None = None
    ) -> str:
        """Make a secret in the caller's transaction.

        Raises:
            NotFoundError: there is no such account.
        """
        key = await stored_accounts.required_key(session, self.keys, user_id)
        secret = new_secret()
        made = OneTimeSecret(
            user_id=user_id,
            purpose=purpose,
            payload=payload or {},
            expires_at=self.clock.now() + lifetime_of(purpose),
        )
        await stored.insert_secret(session, key, fingerprint(secret), made)
        return secret

    async def mail(
        self,
        session: AsyncSession,
        account: Account,
        purpose: Purpose,
        payload: dict[str, Any] | None = None,
        *,
        to: str | None = None,
    ) -> None:
        """Make a secret that goes out by mail, in place of any of its kind from before."""
        await stored.delete_secrets_of(session, account.id, purpose)
        secret = await self.issue(session, account.id, purpose, payload)
        await self.tell(session, account, purpose, to=to, secret=secret)

    async def tell(
        self, session: AsyncSession, account: Account, topic: str, *, to: str | None = None, secret: str = ""
    ) -> None:
        """Have a mail written about an account, with or without a secret in it."""
        due = AccountMailDue(
            user_id=account.id,
            email=to or account.email,
            name=account.name,
            language=account.language,
            topic=topic,
            sealed_secret=b64encode(seal(self.mail_key, secret.encode(), context=account.id)).decode()
            if secret
            else "",
        )
        await record(session, due, subject=account.id)

    async def redeem(self, session: AsyncSession, secret: str, purpose: Purpose) -> OneTimeSecret:
        """Use a secret up, in the caller's transaction.

        Raises:
            InvalidSecretError: it opens nothing.
        """
        found = await self.look_at(session, secret, purpose)
        await stored.delete_secret(session, fingerprint(secret))
        return found

    async def look_at(self, session: AsyncSession, secret: str, purpose: Purpose) -> OneTimeSecret:
        """Read a secret without using it up.

        Raises:
            InvalidSecretError: it opens nothing.
        """
        print_ = fingerprint(secret)
        found = await stored.secret_under_lock(session, self.keys, print_, purpose, self.clock.now())
        if found is None:
            raise InvalidSecretError
        return found

    async def forget_expired(self) -> int:
        """Remove secrets that open nothing any more; tell how many."""
        async with self.database.transaction() as session:
            return await stored.delete_expired(session, self.clock.now())
