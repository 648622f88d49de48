"""The staff's view of all accounts: filtered, newest first, page by page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.pagination import Page, Slice, SortKey, apply_page, slice_rows
from subgraphs.users.domain.accounts import Account
from subgraphs.users.domain.roles import Role
from subgraphs.users.storage.accounts import account_of
from subgraphs.users.storage.tables import NAME_WORDS, users

_NEWEST_FIRST: Final = (
    SortKey("created_at", users.c.created_at, datetime, descending=True),
    SortKey("id", users.c.id, str, descending=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which accounts are wanted: the start of an e-mail address or of words of a name, and a role."""

    text: str | None = None
    role: Role | None = None


async def page_of_accounts(session: AsyncSession, page: Page, wanted: Filter) -> Slice[Account]:
    """Read one page of the accounts that fit."""
    rows = (await session.execute(apply_page(_fitting(select(users), wanted), page, _NEWEST_FIRST))).all()
    return slice_rows(rows, page, _NEWEST_FIRST, lambda row: (row.created_at, row.id)).map(account_of)


async def count_accounts(session: AsyncSession, wanted: Filter) -> int:
    """Count the accounts that fit."""
    query = _fitting(select(func.count()).select_from(users), wanted)
    return (await session.execute(query)).scalar_one()


def _fitting(query: Select[Any], wanted: Filter) -> Select[Any]:
    if wanted.text:
        query = query.where(_starts_like(wanted.text))
    if wanted.role:
        query = query.where(users.c.roles.contains([wanted.role.value]))
    return query


def _starts_like(text: str) -> ColumnElement[bool]:
    words = re.findall(r"\w+", text)
    by_email = users.c.email.startswith(text.strip().lower(), autoescape=True)
    if not words:
        return by_email
    by_name = NAME_WORDS.bool_op("@@")(func.to_tsquery("simple", " & ".join(f"{word}:*" for word in words)))
    return or_(by_email, by_name)
