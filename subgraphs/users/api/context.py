"""What resolvers of this subgraph have at hand during one request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import strawberry
from aiodataloader import DataLoader

from kernel.graphql import Context
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
    def of(cls, service: UsersService) -> UsersLoaders:
        """Make fresh loaders for a request."""
        return cls(by_key(service.accounts.by_id), lists_by_key(service.address_book.of_users))


UsersContext = Context[UsersService, UsersLoaders]
Info = strawberry.Info[UsersContext, None]
