"""Log-in: a password, then a second factor where there is one; and the same proofs asked for again before what matters.

Unknown address and wrong password cost the same work and get the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Clock
from kernel.database import Database
from kernel.errors import InvalidInputError, NotFoundError
from kernel.identity import Caller, Client
from subgraphs.users.domain.accounts import Account, normalise_email
from subgraphs.users.domain.devices import Device, insist_on_fresh_proof
from subgraphs.users.domain.errors import InvalidCredentialsError, InvalidSecretError, StepUpRequiredError
from subgraphs.users.domain.factors import Proof
from subgraphs.users.domain.secrets import OneTimeSecret, Purpose
from subgraphs.users.service.factors import SecondFactors
from subgraphs.users.service.passwords import PasswordHasher
from subgraphs.users.service.secrets import OneTimeSecrets
from subgraphs.users.service.sessions import Grant, Sessions
from subgraphs.users.storage import accounts as stored_accounts
from subgraphs.users.storage.personal import PersonalKeys
from subgraphs.users.storage.throttle import Throttle

RECOVERY: Final = "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The password was right; one of these methods must follow, beside the ticket."""

    ticket: str
    methods: tuple[str, ...]
    passkey_options: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """Checks who somebody is."""

    database: Database
    keys: PersonalKeys
    hasher: PasswordHasher
    by_email: Throttle
    by_client: Throttle
    by_factor: Throttle
    sessions: Sessions
    factors: SecondFactors
    secrets: OneTimeSecrets
    clock: Clock

    async def by_password(
        self, email: str, password: str, *, client: Client, csrf: str | None = None
    ) -> Grant | Challenge:
        """Open a session, or ask for the second factor.

        Raises:
            InvalidCredentialsError: address and password do not fit.
            TooManyAttemptsError: too many have failed under this address or from this place, or wait for their turn.
        """
        address = _lenient_email(email)
        self.hasher.insist_on_room()
        await self.by_client.admit(client.address, self.clock.now())
        await self.by_email.admit(address, self.clock.now())
        async with self.database.session() as session:
            found = await stored_accounts.account_by_email(session, self.keys, address)
        known_hash = found[1] if found else None
        kept_hash = await self.hasher.verify(password, known_hash)
        if found is None or known_hash is None or kept_hash is None:
            raise InvalidCredentialsError
        await self.by_email.forgive(address)
        await self.by_client.take_back(client.address)
        async with self.database.transaction() as session:
            if kept_hash != known_hash:
                await stored_accounts.replace_hash(session, found[0].id, known_hash, kept_hash)
            return await self.admit(session, found[0], methods=frozenset({"pwd"}), client=client, csrf=csrf)

    async def admit(
        self, session: AsyncSession, account: Account, *, methods: frozenset[str], client: Client, csrf: str | None
    ) -> Grant | Challenge:
        """Go on with somebody whose first proof held: open a session, or ask for the second factor."""
        kinds = await self.factors.kinds_of(session, account.id)
        if not kinds:
            return await self.sessions.open(session, account, methods=methods, client=client, csrf=csrf)
        remembered, options = await self.factors.question(session, account.id)
        payload = {**remembered, "methods": sorted(methods), "csrf": csrf}
        ticket = await self.secrets.issue(session, account.id, Purpose.SECOND_FACTOR, payload)
        return Challenge(ticket=ticket, methods=(*kinds, RECOVERY), passkey_options=options)

    async def by_second_factor(self, ticket: str, proof: Proof, *, client: Client) -> tuple[Grant, str | None]:
        """Open the session that a ticket is for; also give the CSRF hash that it was begun with.

        Raises:
            InvalidSecretError: the ticket or the proof does not hold.
            TooManyAttemptsError: too many proofs of this account have failed.
        """
        asked = await self._counted(ticket, Purpose.SECOND_FACTOR)
        async with self.database.transaction() as session:
            method = await self.factors.check(session, asked.user_id, proof, asked.payload)
            if method is not None:
                await self._redeem(session, ticket, Purpose.SECOND_FACTOR)
                methods = frozenset({*asked.payload["methods"], method})
                account = await self._account(session, asked.user_id)
                csrf = asked.payload["csrf"]
                return await self.sessions.open(session, account, methods=methods, client=client, csrf=csrf), csrf
        raise InvalidSecretError("proof")

    async def question(self, caller: Caller) -> Challenge:
        """Ask the owner of a session for their second factor again."""
        async with self.database.transaction() as session:
            kinds = await self.factors.kinds_of(session, caller.id or "")
            remembered, options = await self.factors.question(session, caller.id or "")
            ticket = await self.secrets.issue(session, caller.id or "", Purpose.CONFIRM_SESSION, remembered)
        return Challenge(ticket=ticket, methods=(*kinds, RECOVERY) if kinds else (), passkey_options=options)

    async def confirm(
        self, caller: Caller, *, password: str | None = None, ticket: str | None = None, proof: Proof | None = None
    ) -> None:
        """Note fresh proof for the caller's session: their second factor, or their password where they have none.

        Raises:
            InvalidCredentialsError: the password is wrong.
            InvalidSecretError: the ticket or the proof does not hold.
            TooManyAttemptsError: too many have failed.
        """
        if proof is not None:
            await self._confirm_by_factor(caller, ticket or "", proof)
        elif password is not None:
            await self._confirm_by_password(caller, password)
        else:
            raise InvalidInputError("Bring a password, or a ticket and a proof.", path=("password",))

    async def insist_on_fresh_proof(self, session: AsyncSession, caller: Caller) -> Device:
        """Let pass who proved a short while ago who they are.

        Raises:
            StepUpRequiredError: they did not, or somebody acts in their name.
        """
        user_id = caller.id or ""
        device = await self.sessions.device(session, user_id, caller.session)
        insist_on_fresh_proof(
            device,
            self.clock.now(),
            window=self.sessions.rules.proof_window,
            factors=await self.factors.kinds_of(session, user_id),
            has_password=await stored_accounts.password_hash_of(session, user_id) is not None,
        )
        if device is None:
            raise StepUpRequiredError(())
        return device

    async def require_fresh_proof(self, caller: Caller) -> Device:
        """Let pass who proved a short while ago who they are, outside of any transaction."""
        async with self.database.session() as session:
            return await self.insist_on_fresh_proof(session, caller)

    async def _confirm_by_password(self, caller: Caller, password: str) -> None:
        user_id = caller.id or ""
        self.hasher.insist_on_room()
        await self.by_email.admit(user_id, self.clock.now())
        async with self.database.session() as session:
            known = await stored_accounts.password_hash_of(session, user_id)
        if await self.hasher.verify(password, known) is None:
            raise InvalidCredentialsError
        await self.by_email.forgive(user_id)
        async with self.database.transaction() as session:
            await self._note_proof(session, caller, "pwd")

    async def _confirm_by_factor(self, caller: Caller, ticket: str, proof: Proof) -> None:
        asked = await self._counted(ticket, Purpose.CONFIRM_SESSION)
        async with self.database.transaction() as session:
            mine = asked.user_id == caller.id
            method = await self.factors.check(session, asked.user_id, proof, asked.payload) if mine else None
            if method is not None:
                await self._redeem(session, ticket, Purpose.CONFIRM_SESSION)
                await self._note_proof(session, caller, method)
                return
        raise InvalidSecretError("proof")

    async def _counted(self, ticket: str, purpose: Purpose) -> OneTimeSecret:
        """Read a ticket and count a try at its owner's second factor, before that is looked at."""
        async with self.database.transaction() as session:
            asked = await self.secrets.look_at(session, ticket, purpose)
        await self.by_factor.admit(asked.user_id, self.clock.now())
        return asked

    async def _redeem(self, session: AsyncSession, ticket: str, purpose: Purpose) -> None:
        asked = await self.secrets.redeem(session, ticket, purpose)
        await self.by_factor.forgive(asked.user_id)

    async def _note_proof(self, session: AsyncSession, caller: Caller, method: str) -> None:
        device = await self.sessions.device(session, caller.id or "", caller.session)
        if device is None or device.impersonator_id is not None:
            raise NotFoundError("There is no such session.", path=("id",))
        await self.sessions.note_proof(session, device, method)

    async def _account(self, session: AsyncSession, user_id: str) -> Account:
        account = await stored_accounts.account_by_id(session, self.keys, user_id)
        if account is None:
            raise InvalidSecretError("ticket")
        return account


def _lenient_email(text: str) -> str:
    """Normalise an address; one that cannot be any takes the same road as one that nobody has."""
    try:
        return normalise_email(text)
    except InvalidInputError:
        return text.strip().lower()[:254]
