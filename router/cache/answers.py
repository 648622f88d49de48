"""Taking an answer apart into what is kept by itself, and putting one together again; both on JSON text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import orjson

from router.execution.transports.port import SubgraphResponse

_NULL: Final = b"null"


@dataclass(frozen=True, slots=True)
class Known:
    """A part of an answer.

    Attributes:
        body: its JSON: of an entity, or of all of `data`.
        data: the same, decoded.
        tags: that the subgraph gives it.
    """

    body: bytes
    data: Any
    tags: tuple[str, ...] = field(default=())


class _Extensions(msgspec.Struct):
    """Tags that a subgraph sends along, in the way of Apollo's response cache."""

    tags: list[str] = msgspec.field(default_factory=list, name="apolloCacheTags")
    entity_tags: list[list[str]] = msgspec.field(default_factory=list, name="apolloEntityCacheTags")


class _Answer(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(_NULL)
    errors: msgspec.Raw = msgspec.Raw(_NULL)
    extensions: _Extensions | None = None


def kept_parts(
    response: SubgraphResponse, places: Sequence[tuple[str | None, int]], *, strict: bool = True
) -> list[Known | None] | None:
    """Return the parts of an answer at some places; None where the answer is not good enough to be taken apart.

    Args:
        response: the answer.
        places: the alias of entities and the index there; no alias for the root.
        strict: whether what was not found, a null, is no part either.
    """
    if response.status != 200:
        return None
    body = orjson.dumps(response.decoded) if response.body is None else response.body
    try:
        answer = msgspec.json.decode(body, type=_Answer)
        if bytes(answer.errors) not in {_NULL, b"[]"}:
            return None
        if bytes(answer.data) == _NULL:
            return None
        extensions = answer.extensions or _Extensions()
        if places[0][0] is None:
            text = bytes(answer.data)
            return [Known(text, orjson.loads(text), tuple(extensions.tags))]
        entities = msgspec.json.decode(answer.data, type=dict[str, list[msgspec.Raw]])
        return [_known(bytes(entities[alias or ""][place]), place, extensions, strict) for alias, place in places]
    except (msgspec.MsgspecError, ValueError, KeyError, IndexError):
        return None


def _known(body: bytes, place: int, extensions: _Extensions, strict: bool) -> Known | None:
    if body == _NULL:
        return None if strict else Known(body, None)
    tags = extensions.entity_tags[place] if place < len(extensions.entity_tags) else ()
    return Known(body, orjson.loads(body), tuple(tags))


def joined(texts: Mapping[str | None, Iterable[bytes]]) -> bytes:
    """Write an answer of parts."""
    if None in texts:
        return b'{"data":%b}' % next(iter(texts[None]))
    lists = (b'"%b":[%b]' % ((alias or "").encode(), b",".join(parts)) for alias, parts in texts.items())
    return b'{"data":{%b}}' % b",".join(lists)
