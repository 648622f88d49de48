"""What generated code calls: merging where two results wrote under one key, and giving up.

Merging is called only for keys that can meet at all; everything else is `dict.update`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, TypeAlias

Meeting: TypeAlias = Mapping[str, "Meeting"]


def merge(target: dict[str, Any], result: dict[str, Any], meeting: Meeting) -> None:
    """Put a result into an object; `meeting` holds the keys whose values are to be merged, not replaced.

    What a subgraph knows is not undone by another that answers null for it.
    """
    for key, value in result.items():
        below = meeting.get(key)
        if below is None:
            target[key] = value
        else:
            target[key] = _merged(target.get(key), value, below)


def null() -> NoReturn:
    """Say that a working tree is not in good order: there is null, or no list, where there must not be."""
    raise ValueError


def copy(value: Any) -> Any:
    """Copy the objects and lists of a result, so that two places of the tree can go apart."""
    if type(value) is dict:
        return {key: copy(inner) for key, inner in value.items()}
    if type(value) is list:
        return [copy(item) for item in value]
    return value


def _merged(known: Any, value: Any, below: Meeting) -> Any:
    if type(known) is dict and type(value) is dict:
        merge(known, value, below)
        return known
    if type(known) is list and type(value) is list and len(known) == len(value):
        return [_merged(*pair, below) for pair in zip(known, value, strict=True)]
    return known if value is None else value
