"""The address book of each account; whose book it is always comes from the caller, never from the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database
from kernel.errors import InvalidInputError, NotFoundError
from kernel.ids import new_id
from subgraphs.users.domain.addresses import MOST_PER_USER, Address, PostalFields
from subgraphs.users.domain.postal_rules import check_postal_rules
from subgraphs.users.storage import accounts as stored_accounts
from subgraphs.users.storage import addresses as stored
from subgraphs.users.storage.personal import DataKey, PersonalKeys


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Keeps addresses; changes of one book happen one after the other."""

    database: Database
    keys: PersonalKeys

    async def of_users(self, user_ids: Sequence[str]) -> Mapping[str, Sequence[Address]]:
        """Read many books at once."""
        async with self.database.session() as session:
            return await stored.addresses_of(session, self.keys, user_ids)

    async def add(self, user_id: str, postal: PostalFields) -> Address:
        """Add an address.

        Raises:
            InvalidInputError: the book is full, or the address is not as its country wants it.
            NotFoundError: there is no such account.
        """
        check_postal_rules(postal)
        address = Address(id=new_id("adr"), user_id=user_id, postal=postal)
        async with self.database.transaction() as session:
            key = await self._locked_book(session, user_id)
            if await stored.count_addresses(session, user_id) >= MOST_PER_USER:
                raise InvalidInputError(f"An address book holds {MOST_PER_USER} addresses.", path=("input",))
            await stored.insert_address(session, key, address)
        return address

    async def change(self, user_id: str, address_id: str, wanted: Mapping[str, Any]) -> Address:
        """Change what is wanted of an address.

        Raises:
            NotFoundError: it is not in this user's book.
        """
        async with self.database.transaction() as session:
            key = await self._locked_book(session, user_id)
            address = _found(await stored.address_of(session, key, address_id))
            after = replace(address, postal=address.postal.changed(wanted))
            check_postal_rules(after.postal)
            await stored.update_address(session, key, after)
        return after

    async def remove(self, user_id: str, address_id: str) -> Address:
        """Remove an address and give back what was removed.

        Raises:
            NotFoundError: it is not in this user's book.
        """
        async with self.database.transaction() as session:
            key = await self._locked_book(session, user_id)
            return _found(await stored.delete_address(session, key, address_id))

    async def _locked_book(self, session: AsyncSession, user_id: str) -> DataKey:
        await stored_accounts.lock_account(session, user_id)
        return await stored_accounts.required_key(session, self.keys, user_id)


def _found(address: Address | None) -> Address:
    if address is None:
        raise NotFoundError("There is no such address in your book.", path=("id",))
    return address
