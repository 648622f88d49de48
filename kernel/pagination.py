"""Relay pagination by keyset: a page starts after the sort values of a row, never after a count of rows.

A list is ordered by `SortKey`s, of which the last is unique. A cursor holds the sort values of its row and the
order it belongs to, so a cursor of another order is refused instead of giving a wrong page.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Select, and_, or_, tuple_

from kernel.errors import InvalidInputError

DEFAULT_SIZE: Final = 20
MAX_SIZE: Final = 100

Item = TypeVar("Item")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of an order: never null, its Python type tells how its value is read from a cursor."""

    name: str
    column: ColumnElement[Any]
    type: type[Any]
    descending: bool = False

    @property
    def signature(self) -> str:
        """The key's part in the name of the order."""
        return f"-{self.name}" if self.descending else self.name


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted; `first` with `after` forwards, or `last` with `before` backwards."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        if self.first is not None and self.last is not None:
            raise InvalidInputError("Ask for first or last, not both.", path=("last",))
        for name, size in (("first", self.first), ("last", self.last)):
            if size is not None and not 0 <= size <= MAX_SIZE:
                raise InvalidInputError(f"{name} must be from 0 to {MAX_SIZE}.", path=(name,))

    @property
    def backwards(self) -> bool:
        """Whether the page is taken from the end."""
        return self.last is not None

    @property
    def size(self) -> int:
        """How many items the page holds at most."""
        size = self.last if self.last is not None else self.first
        return DEFAULT_SIZE if size is None else size


@dataclass(frozen=True, slots=True)
class Slice(Generic[Item]):
    """The items of one page in the order of the list, each with its cursor."""

    items: tuple[Item, ...]
    cursors: tuple[str, ...]
    has_next: bool
    has_previous: bool

    def map(self, change: Callable[[Item], Other]) -> Slice[Other]:
        """Give the same page of other items, made one by one from these."""
        return Slice(tuple(map(change, self.items)), self.cursors, self.has_next, self.has_previous)


def apply_page(statement: Select[Any], page: Page, keys: Sequence[SortKey]) -> Select[Any]:
    """Narrow a statement to one page and one row more, which tells whether the list goes on."""
    if page.after is not None:
        statement = statement.where(_beyond(keys, decode_cursor(page.after, keys), forwards=True))
    if page.before is not None:
        statement = statement.where(_beyond(keys, decode_cursor(page.before, keys), forwards=False))
    order = (key.column.desc() if key.descending != page.backwards else key.column.asc() for key in keys)
    return statement.order_by(*order).limit(page.size + 1)


def slice_rows(
    rows: Sequence[Item], page: Page, keys: Sequence[SortKey], values: Callable[[Item], Sequence[Any]]
) -> Slice[Item]:
    """Make the page from the rows that a statement narrowed by `apply_page` gave.

    Args:
        rows: the rows in the order of the statement.
        page: the page that was applied.
        keys: the order that was applied.
        values: gives the sort values of a row, one for each key.
    """
    more = len(rows) > page.size
    kept = rows[: page.size]
    if page.backwards:
        kept = kept[::-1]
    return Slice(
        items=tuple(kept),
        cursors=tuple(encode_cursor(values(row), keys) for row in kept),
        has_next=page.before is not None if page.backwards else more,
        has_previous=more if page.backwards else page.after is not None,
    )


def encode_cursor(values: Sequence[Any], keys: Sequence[SortKey]) -> str:
    """Spell the sort values of a row as opaque text."""
    return base64.urlsafe_b64encode(msgspec.json.encode([_signature(keys), *values])).decode().rstrip("=")


def decode_cursor(cursor: str, keys: Sequence[SortKey]) -> tuple[Any, ...]:
    """Read the sort values from a cursor.

    Raises:
        InvalidInputError: it is not a cursor of this list in this order.
    """
    try:
        fields = msgspec.json.decode(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        signature, *values = fields
        if signature != _signature(keys) or len(values) != len(keys):
            raise InvalidInputError("The cursor belongs to another order.", path=("cursor",))
        return tuple(msgspec.convert(value, key.type) for value, key in zip(values, keys, strict=True))
    except (binascii.Error, ValueError, TypeError):
        raise InvalidInputError("Not a cursor of this list.", path=("cursor",)) from None


def _beyond(keys: Sequence[SortKey], values: Sequence[Any], *, forwards: bool) -> ColumnElement[bool]:
    """Compare rows with a position; one row comparison where the directions agree, so that an index serves it."""
    rising = [key.descending != forwards for key in keys]
    if len(set(rising)) == 1:
        row, position = tuple_(*(key.column for key in keys)), tuple_(*values)
        return row > position if rising[0] else row < position
    return or_(
        *(
            and_(
                *(keys[before].column == values[before] for before in range(at)),
                keys[at].column > values[at] if rising[at] else keys[at].column < values[at],
            )
            for at in range(len(keys))
        )
    )


def _signature(keys: Sequence[SortKey]) -> str:
    return ",".join(key.signature for key in keys)
