"""Lists of a few sizes, so that PostgreSQL keeps its plans.

How much is wanted stands in a statement as a number: a plan that is made for it is as good for any other product or
person, and is kept. With a parameter there, PostgreSQL plans anew each time, which takes longer than the answer.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Integer, TextClause, bindparam, text

_SIZES: Final = (12, 50)


def sized(first: int) -> int:
    """Give the size of the list that holds as many as are wanted."""
    return next((size for size in _SIZES if size >= first), first)


def sized_statement(sql: str) -> TextClause:
    """Make a statement whose parameter `first` becomes a number in its text."""
    return text(sql).bindparams(bindparam("first", type_=Integer, literal_execute=True))
