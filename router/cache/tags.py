"""What an entry is about: the tags under which it is found when something has changed.

An entry has a tag for each object with a key that it holds. Where an object does not show its key, the entry counts as
being about any object of that type; where it holds a list, as being about the list, which may change by any object that
comes, goes or moves. So what is told to have changed is found for certain, at the price of some entries that have not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Tag: TypeAlias = str


def subgraph_tag(subgraph: str) -> Tag:
    """Return the tag of everything from one subgraph."""
    return f"s:{subgraph}"


def type_tag(subgraph: str, kind: str) -> Tag:
    """Return the tag of what holds objects of a type."""
    return f"t:{subgraph}:{kind}"


def list_tag(subgraph: str, kind: str) -> Tag:
    """Return the tag of what holds a list of objects of a type, or would if there were any."""
    return f"l:{subgraph}:{kind}"


def key_tag(subgraph: str, kind: str, name: str, value: object) -> Tag:
    """Return the tag of what holds the object with some value in a field of its key."""
    return f"k:{subgraph}:{kind}:{name}={value}"


def keyless_tag(subgraph: str, kind: str, name: str) -> Tag:
    """Return the tag of what holds objects of a type that do not show a field of their key."""
    return f"?:{subgraph}:{kind}:{name}"


def cache_tag(text: str) -> Tag:
    """Return the tag that a schema or a subgraph has given itself."""
    return f"c:{text}"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that others say has changed.

    Attributes:
        subgraphs: whose answers it concerns.
        type: of which objects; None, and it concerns everything, or what has the tag.
        key: of the one object that has changed; None, and all have.
        tag: that a schema or a subgraph has given itself.
    """

    subgraphs: tuple[str, ...] = ()
    type: str | None = None
    key: Mapping[str, Any] | None = field(default=None)
    tag: str | None = None

    def tags(self) -> set[Tag]:
        """Return the tags of all entries that are to be forgotten."""
        if self.tag is not None:
            return {cache_tag(self.tag)}
        kind = self.type
        if kind is None:
            return {subgraph_tag(each) for each in self.subgraphs}
        if self.key is None:
            return {tag for each in self.subgraphs for tag in (type_tag(each, kind), list_tag(each, kind))}
        return {tag for each in self.subgraphs for tag in _of_key(each, kind, self.key.items())}


def _of_key(subgraph: str, kind: str, key: Iterable[tuple[str, Any]]) -> Iterable[Tag]:
    yield list_tag(subgraph, kind)
    for name, value in key:
        yield key_tag(subgraph, kind, name, value)
        yield keyless_tag(subgraph, kind, name)
