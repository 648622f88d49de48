"""What goes through the mailbox: proof of an address, a new password, a new address.

Whether an address has an account is told by mail alone. A request for a new password therefore only writes an event,
sealed, the same for every address; who has an account is looked up later, when nobody waits for the answer.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import NotFoundError
from kernel.events.catalogue import PasswordResetRequested, UserEmailVerified
from kernel.events.outbox import record
from kernel.identity import Caller, Client
from kernel.sealing import seal, unseal
from subgraphs.users.domain.accounts import Account, normalise_email
from subgraphs.users.domain.errors import InvalidCredentialsError
from subgraphs.users.domain.passwords import check_new_password
from subgraphs.users.domain.secrets import OneTimeSecret, Purpose
from subgraphs.users.service.accounts import Accounts
from subgraphs.users.service.login import LogIn
from subgraphs.users.service.passwords import PasswordHasher
from subgraphs.users.service.secrets import OneTimeSecrets
from subgraphs.users.service.sessions import Sessions
from subgraphs.users.storage import accounts as stored
from subgraphs.users.storage.personal import PersonalKeys
from subgraphs.users.storage.throttle import Throttle

_CONTEXT: Final = "password reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Sends secrets by mail, and does what they are good for."""

    database: Database
    keys: PersonalKeys
    accounts: Accounts
    sessions: Sessions
    log_in: LogIn
    secrets: OneTimeSecrets
    hasher: PasswordHasher
    mails: Throttle
    clock: Clock

    async def send_verification(self, user_id: str) -> None:
        """Send the mail that proves an address once more; does nothing where it is proven."""
        account = await self._account(user_id)
        if account.email_verified_at is None:
            await self.mails.admit(account.email, self.clock.now())
            async with self.database.transaction() as session:
                await self.secrets.mail(session, account, Purpose.VERIFY_EMAIL)

    async def verify_email(self, secret: str) -> Account:
        """Take an address for proven by the secret that was sent to it.

        Raises:
            InvalidSecretError: it opens nothing.
        """
        async with self.database.transaction() as session:
            redeemed = await self.secrets.redeem(session, secret, Purpose.VERIFY_EMAIL)
            return await self._take_for_proven(session, redeemed.user_id)

    async def request_reset(self, email: str, client: Client) -> None:
        """Have a mail with a link to a new password sent, if there is such an account.

        Raises:
            InvalidInputError: this cannot be an e-mail address.
            TooManyAttemptsError: this was asked for too often.
        """
        address = normalise_email(email)
        await self.mails.admit(f"client {client.address}" if client.address else "", self.clock.now())
        await self.mails.admit(address, self.clock.now())
        sealed = b64encode(seal(self.secrets.mail_key, address.encode(), context=_CONTEXT)).decode()
        async with self.database.transaction() as session:
            subject = self.keys.email_index(address).hex()
            await record(session, PasswordResetRequested(sealed_email=sealed), subject=subject)

    async def answer_reset_request(self, session: AsyncSession, asked: PasswordResetRequested) -> None:
        """Write the mail that was asked for, in the transaction of the event's consumer."""
        address = unseal(self.secrets.mail_key, b64decode(asked.sealed_email), context=_CONTEXT).decode()
        found = await stored.account_by_email(session, self.keys, address)
        if found is not None:
            await self.secrets.mail(session, found[0], Purpose.RESET_PASSWORD)

    async def reset_password(self, secret: str, password: str) -> Account:
        """Set a new password by the secret out of a mail; all sessions end, and the address is proven.

        Raises:
            InvalidSecretError: it opens nothing.
            WeakPasswordError: the password is not accepted; the secret still holds.
            TooManyAttemptsError: too many passwords wait to be hashed.
        """
        async with self.database.transaction() as session:
            known = await self.secrets.look_at(session, secret, Purpose.RESET_PASSWORD)
            account = await self._account_in(session, known.user_id)
        hashed = await self.hasher.hash(check_new_password(password, email=account.email))
        async with self.database.transaction() as session:
            await self.secrets.redeem(session, secret, Purpose.RESET_PASSWORD)
            await stored.set_hash(session, account.id, hashed, self.clock.now())
            await self.sessions.revoke_all_in(session, account.id, reason="password")
            await self.secrets.tell(session, account, "password_changed")
            account = await self._take_for_proven(session, account.id)
        await self.log_in.by_email.forgive(account.email)
        return account

    async def change_password(self, caller: Caller, *, current: str | None, new: str) -> Account:
        """Set a new password; all other sessions end.

        Raises:
            InvalidCredentialsError: the current password is wrong.
            StepUpRequiredError: there is a second factor, or no password yet, and no fresh proof.
            WeakPasswordError: the new one is not accepted.
        """
        account = await self._account(caller.id or "")
        accepted = check_new_password(new, email=account.email)
        if current is not None:
            await self.log_in.confirm(caller, password=current)
        await self.log_in.require_fresh_proof(caller)
        if current is None and await self._has_password(account.id):
            raise InvalidCredentialsError
        hashed = await self.hasher.hash(accepted)
        async with self.database.transaction() as session:
            await stored.set_hash(session, account.id, hashed, self.clock.now())
            await self.sessions.revoke_all_in(session, account.id, but=caller.session, reason="password")
            await self.secrets.tell(session, account, "password_changed")
        return account

    async def request_email_change(self, caller: Caller, email: str) -> None:
        """Send a secret to a new address; nothing changes before it comes back.

        Raises:
            StepUpRequiredError: there is no fresh proof.
            InvalidInputError: this cannot be an e-mail address.
            TooManyAttemptsError: this was asked for too often.
        """
        address = normalise_email(email)
        await self.log_in.require_fresh_proof(caller)
        await self.mails.admit(caller.id or "", self.clock.now())
        account = await self._account(caller.id or "")
        async with self.database.transaction() as session:
            taken = await stored.account_by_email(session, self.keys, address) is not None
            if taken:  # the caller learns nothing of it
                return
            await self.secrets.mail(session, account, Purpose.CHANGE_EMAIL, {"email": address}, to=address)

    async def change_email(self, secret: str) -> Account:
        """Take over the new address by the secret that was sent to it; the old one is told.

        Raises:
            InvalidSecretError: it opens nothing.
            EmailTakenError: somebody registered with the address meanwhile.
        """
        async with self.database.transaction() as session:
            redeemed = await self.secrets.redeem(session, secret, Purpose.CHANGE_EMAIL)
            before = await self._account_in(session, redeemed.user_id)
            account = await self._change_email_in(session, redeemed)
            await self.secrets.tell(session, account, "email_changed", to=before.email)
        return account

    async def _change_email_in(self, session: AsyncSession, redeemed: OneTimeSecret) -> Account:
        now, address = self.clock.now(), redeemed.payload["email"]
        account = await self.accounts.change_in(
            session,
            redeemed.user_id,
            lambda account: (replace(account, email=address, email_verified_at=now), ("email",)),
        )
        verified = UserEmailVerified(user_id=account.id, email=account.email)
        await record(session, verified, subject=account.id, aggregate_version=account.version)
        return account

    async def _take_for_proven(self, session: AsyncSession, user_id: str) -> Account:
        now = self.clock.now()

        def proven(account: Account) -> tuple[Account, tuple[str, ...]]:
            already = account.email_verified_at is not None
            return replace(account, email_verified_at=now), () if already else ("email_verified",)

        before = await self._account_in(session, user_id)
        account = await self.accounts.change_in(session, user_id, proven)
        if before.email_verified_at is None:
            verified = UserEmailVerified(user_id=account.id, email=account.email)
            await record(session, verified, subject=account.id, aggregate_version=account.version)
        return account

    async def _has_password(self, user_id: str) -> bool:
        async with self.database.session() as session:
            return await stored.password_hash_of(session, user_id) is not None

    async def _account(self, user_id: str) -> Account:
        async with self.database.session() as session:
            return await self._account_in(session, user_id)

    async def _account_in(self, session: AsyncSession, user_id: str) -> Account:
        account = await stored.account_by_id(session, self.keys, user_id)
        if account is None:
            raise NotFoundError("There is no such account.", path=("id",))
        return account
