"""The use cases of the users subgraph."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.errors import NotFoundError
from kernel.identity import Caller, Client
from subgraphs.users.domain.accounts import Account
from subgraphs.users.service.accounts import Accounts
from subgraphs.users.service.address_book import AddressBook
from subgraphs.users.service.factors import Ceremony, NewTotp, SecondFactors
from subgraphs.users.service.identities import Identities
from subgraphs.users.service.login import LogIn
from subgraphs.users.service.personal_data import PersonalDataRequests
from subgraphs.users.service.recovery import Recovery
from subgraphs.users.service.sessions import Sessions
from subgraphs.users.service.staff import Staff
from subgraphs.users.service.wallet import Wallet


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersService:
    """Everything that can be done here, by room; and what takes more than one of them."""

    accounts: Accounts
    sessions: Sessions
    address_book: AddressBook
    log_in: LogIn
    factors: SecondFactors
    recovery: Recovery
    identities: Identities
    wallet: Wallet
    personal_data: PersonalDataRequests
    staff: Staff
    discreet_registration: bool

    async def register(self, client: Client, *, email: str, password: str, name: str, language: str) -> Account | None:
        """Open a customer's account; from one place not too many, and not without end under one address.

        Raises:
            TooManyAttemptsError: both are counted, whether or not the address has an account.
        """
        now = self.sessions.clock.now()
        await self.log_in.by_client.admit(client.address, now)
        await self.recovery.mails.admit(f"register {email.strip().lower()}", now)
        return await self.accounts.register(
            email=email, password=password, name=name, language=language, discreet=self.discreet_registration
        )

    async def begin_totp(self, caller: Caller, name: str) -> NewTotp:
        """Begin to use an authenticator app, with fresh proof."""
        return await self.factors.begin_totp(await self._proven(caller), name)

    async def begin_passkey(self, caller: Caller) -> Ceremony:
        """Begin to use a passkey, with fresh proof."""
        return await self.factors.begin_passkey(await self._proven(caller))

    async def remove_factor(self, caller: Caller, factor_id: str) -> None:
        """Stop using a second factor, with fresh proof."""
        account = await self._proven(caller)
        await self.factors.remove(account.id, factor_id)

    async def renew_recovery_codes(self, caller: Caller) -> list[str]:
        """Make new recovery codes, with fresh proof."""
        account = await self._proven(caller)
        return await self.factors.renew_recovery_codes(account.id)

    async def _proven(self, caller: Caller) -> Account:
        await self.log_in.require_fresh_proof(caller)
        found = await self.accounts.by_id([caller.id or ""])
        if not found:
            raise NotFoundError("There is no such account.", path=("id",))
        return found[caller.id or ""]
