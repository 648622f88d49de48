"""What somebody agreed to, and what they pay with."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InvalidInputError, NotFoundError
from kernel.identity import Caller
from kernel.ids import new_id
from subgraphs.users.domain.wallet import MOST_PER_USER, Consent, ConsentPurpose, PaymentMethod
from subgraphs.users.service.login import LogIn
from subgraphs.users.storage import accounts as stored_accounts
from subgraphs.users.storage import wallet as stored
from subgraphs.users.storage.personal import DataKey, PersonalKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """Keeps consents and payment methods."""

    database: Database
    keys: PersonalKeys
    log_in: LogIn
    clock: Clock

    async def consents(self, user_id: str) -> list[Consent]:
        """Read the whole history of somebody's consents, newest first."""
        async with self.database.session() as session:
            return await stored.consents_of(session, user_id)

    async def consent(self, user_id: str, purpose: ConsentPurpose, *, granted: bool, wording: str) -> Consent:
        """Note what somebody agreed to or took back; saying the same again changes nothing."""
        if not 0 < len(wording) <= 500:
            raise InvalidInputError("Say in 1 to 500 characters what was agreed to.", path=("wording",))
        consent = Consent(purpose=purpose, granted=granted, wording=wording, at=self.clock.now())
        async with self.database.transaction() as session:
            await self._locked(session, user_id)
            history = await stored.consents_of(session, user_id)
            latest = next((each for each in history if each.purpose is purpose), None)
            if latest is not None and (latest.granted, latest.wording) == (granted, wording):
                return latest
            await stored.insert_consent(session, user_id, consent)
        return consent

    async def methods(self, user_id: str) -> list[PaymentMethod]:
        """List the ways to pay of somebody."""
        async with self.database.session() as session:
            key = await stored_accounts.data_key_of(session, self.keys, user_id)
            return await stored.methods_of(session, key) if key else []

    async def add_method(self, caller: Caller, *, token: str, label: str, is_default: bool) -> PaymentMethod:
        """Keep a token of the payment provider.

        Raises:
            InvalidInputError: it is no token, or there are too many.
            StepUpRequiredError: there is no fresh proof.
        """
        user_id = caller.id or ""
        async with self.database.transaction() as session:
            await self.log_in.insist_on_fresh_proof(session, caller)
            key = await self._locked(session, user_id)
            if await stored.count_methods(session, user_id) >= MOST_PER_USER:
                raise InvalidInputError(f"An account keeps {MOST_PER_USER} payment methods.", path=("input",))
            method = PaymentMethod(
                id=new_id("pm"),
                user_id=user_id,
                token=token,
                label=label,
                is_default=is_default,
                created_at=self.clock.now(),
            )
            await stored.insert_method(session, key, method)
        return method

    async def token_of(self, user_id: str, method_id: str) -> str | None:
        """Give the provider's token of a way to pay; None where somebody has no such one."""
        return next((each.token for each in await self.methods(user_id) if each.id == method_id), None)

    async def remove_method(self, user_id: str, method_id: str) -> None:
        """Forget a token.

        Raises:
            NotFoundError: it is not theirs.
        """
        async with self.database.transaction() as session:
            if not await stored.delete_method(session, user_id, method_id):
                raise NotFoundError("There is no such payment method.", path=("id",))

    async def _locked(self, session: AsyncSession, user_id: str) -> DataKey:
        await stored_accounts.lock_account(session, user_id)
        return await stored_accounts.required_key(session, self.keys, user_id)
