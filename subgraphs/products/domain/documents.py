"""What is known of a product beyond its columns: one document for each, in any shape, found by what it says.

A document is JSON. From it *facts* are derived, one for each plain value, such as `material.upper=leather`; they are
what is indexed and asked for. `SCHEMA` says how they are derived: documents that were derived by an older version are
derived anew, in the background, without their content or version changing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import msgspec

from kernel.errors import InvalidInputError

SCHEMA: Final = 1
"""To be raised when `facts_of` changes."""

MAX_BYTES: Final = 200_000
MAX_DEPTH: Final = 10
MAX_FACTS: Final = 500
MAX_KEY: Final = 100
MAX_WHOLE: Final = 2**53
"""Beyond it, JSON's readers do not agree about numbers."""

_LONGEST_VALUE: Final = 200
"""Longer texts are read, not asked for."""

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductDocument:
    """The document of a product; its version goes up with every change."""

    product_id: str
    version: int
    content: Content
    facts: tuple[str, ...]
    schema: int


class DocumentStore(Protocol):
    """Keeps one document for each product; of two versions of one, the newer stays, whichever comes first."""

    async def put(self, given: Sequence[ProductDocument]) -> None:
        """Keep documents, each unless what is there is as new; all that was kept outlives a crash."""
        ...

    async def get(self, product_ids: Sequence[str]) -> Mapping[str, ProductDocument]:
        """Read the documents of these products, as far as there are any."""
        ...

    async def find(self, facts: Sequence[str], *, after: str, most: int) -> list[str]:
        """Find products whose documents hold all of these facts, in the order of their ids, behind one of them."""
        ...

    async def outdated(self, most: int) -> list[ProductDocument]:
        """Find documents whose facts were derived by an older version."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def document_of(product_id: str, version: int, content: Any) -> ProductDocument:
    """Make a document of what somebody wrote.

    Raises:
        InvalidInputError: it is no object, too large or too deep, or has keys that no store takes.
    """
    if not isinstance(content, dict):
        raise InvalidInputError("A document is an object.", path=("content",))
    for depth, key, value in _walk(content):
        _check_key(key)
        _check_value(value)
        if depth > MAX_DEPTH:
            raise InvalidInputError(f"A document is {MAX_DEPTH} deep at most.", path=("content",))
    if len(msgspec.json.encode(content)) > MAX_BYTES:
        raise InvalidInputError(f"A document has {MAX_BYTES} bytes at most.", path=("content",))
    facts = facts_of(content)
    if len(facts) > MAX_FACTS:
        raise InvalidInputError(f"A document says {MAX_FACTS} things at most.", path=("content",))
    return ProductDocument(product_id=product_id, version=version, content=content, facts=facts, schema=SCHEMA)


def derived_anew(document: ProductDocument) -> ProductDocument:
    """Give a document with facts as they are derived now."""
    return replace(document, facts=facts_of(document.content), schema=SCHEMA)


def facts_of(content: Content) -> tuple[str, ...]:
    """Say what a document says, one value at a time; what stands in a list is said of the list's path."""
    return tuple(sorted(set(_facts(content, ()))))


def fact(path: str, value: str) -> str:
    """Spell a fact; case does not matter in its value."""
    return f"{path}={value.casefold()}"


def _facts(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _facts(inner, (*path, key))
        case list():
            for inner in value:
                yield from _facts(inner, path)
        case bool():
            yield fact(".".join(path), str(value))
        case int() | float():
            yield fact(".".join(path), f"{value:g}" if isinstance(value, float) else str(value))
        case str() if len(value) <= _LONGEST_VALUE:
            yield fact(".".join(path), value)
        case _:
            pass


def _walk(value: Any) -> Iterator[tuple[int, str, Any]]:
    """Visit all that is in a document with its depth and key, however deep, without recursion."""
    left: list[tuple[int, str, Any]] = [(0, "content", value)]
    while left:
        depth, key, here = left.pop()
        yield depth, key, here
        if depth > MAX_DEPTH:
            return
        if isinstance(here, dict):
            left += ((depth + 1, name, inner) for name, inner in here.items())
        elif isinstance(here, list):
            left += ((depth + 1, key, inner) for inner in here)


def _check_key(key: str) -> None:
    if not 0 < len(key) <= MAX_KEY or key.startswith("$") or "." in key or not _plain(key):
        raise InvalidInputError(
            f"A key has 1 to {MAX_KEY} characters, no dot in it and no $ before it.", path=("content",)
        )


def _check_value(value: Any) -> None:
    if isinstance(value, str) and not _plain(value):
        raise InvalidInputError("A text holds characters that are none.", path=("content",))
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        raise InvalidInputError("A whole number is too large; send it as a text.", path=("content",))


def _plain(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
