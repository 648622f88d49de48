"""What resolvers of this subgraph have at hand during one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import strawberry
from aiodataloader import DataLoader

from kernel.graphql import Context
from kernel.identity import Caller
from kernel.loaders import by_key, lists_by_key
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.addresses import Address
from subgraphs.users.service import UsersService


@dataclass(frozen=True, slots=True)
class UsersLoaders:
    """Batches the reads of one request."""

    accounts: DataLoader[str, Account | None]
    addresses: DataLoader[str, Sequence[Address]]

    @classmethod
    def of(cls, service: UsersService, caller: Caller) -> UsersLoaders:
        """Make fresh loaders for a request."""

        async def accounts(ids: Sequence[str]) -> Mapping[str, Account]:
            found = await service.accounts.by_id(ids)
            await service.staff.note_reading(caller, found)
            return found

        return cls(by_key(accounts), lists_by_key(service.address_book.of_users))


UsersContext = Context[UsersService, UsersLoaders]
Info = strawberry.Info[UsersContext, None]
