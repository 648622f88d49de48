"""The use cases of the users subgraph."""

from __future__ import annotations

from dataclasses import dataclass

from subgraphs.users.service.accounts import Accounts
from subgraphs.users.service.address_book import AddressBook
from subgraphs.users.service.sessions import Sessions


@dataclass(frozen=True, slots=True)
class UsersService:
    """Everything that can be done here, by room."""

    accounts: Accounts
    sessions: Sessions
    address_book: AddressBook
