"""The staff's view of all accounts: filtered, newest first, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.roles import Role
from subgraphs.users.storage.accounts import account_of
from subgraphs.users.storage.personal import PersonalKeys, words_of
from subgraphs.users.storage.tables import users

_NEWEST_FIRST: Final = (
    SortKey("created_at", users.c.created_at, datetime, descending=True),
    SortKey("id", users.c.id, str, descending=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which accounts are wanted: the start of an e-mail address or of words of a name, and a role."""

    text: str | None = None
    role: Role | None = None


async def page_of_accounts(session: AsyncSession, keys: PersonalKeys, page: Page, wanted: Filter) -> Slice[Account]:
    """Read one page of the accounts that fit."""
    rows = (await session.execute(apply_page(_fitting(select(users), keys, wanted), page, _NEWEST_FIRST))).all()
    return slice_rows(rows, page, _NEWEST_FIRST, lambda row: (row.created_at, row.id)).map(partial(account_of, keys))


async def count_accounts(session: AsyncSession, keys: PersonalKeys, wanted: Filter) -> int:
    """Count the accounts that fit."""
    query = _fitting(select(func.count()).select_from(users), keys, wanted)
    return (await session.execute(query)).scalar_one()


def _fitting(query: Select[Any], keys: PersonalKeys, wanted: Filter) -> Select[Any]:
    if wanted.text:
        query = query.where(_starts_like(keys, wanted.text))
    if wanted.role:
        query = query.where(users.c.roles.contains([wanted.role.value]))
    return query


def _starts_like(keys: PersonalKeys, text: str) -> ColumnElement[bool]:
    by_email = users.c.search_tokens.contains(keys.tokens_sought("email", [text.strip().lower()]))
    words = words_of(text)
    return or_(by_email, users.c.search_tokens.contains(keys.tokens_sought("name", words))) if words else by_email
