"""Selections in normal form: the language of all planner passes.

A selection belongs to a composite type. `fields` are taken from every object that stands there, `groups` only from
objects of one type each. Fragments are gone, `@skip` and `@include` are decided, and a response key occurs once in
`fields` and once in each group (in both only if the group adds to it). Selections are compared by identity: equal parts
of an operation are normalised once and shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from router.planner.deferral import NOT_DEFERRED, Deferred, Streaming

TYPENAME = "__typename"


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field that is asked for.

    `arguments` is their text with the parentheses, empty without any; `variables` are the client's variables in it.
    `deferred` are the usages of `@defer` that it waits for, apart from the lists that it stands in; `streaming` tells
    how the items of a list come one after another.
    """

    key: str
    name: str
    arguments: str = ""
    variables: frozenset[str] = frozenset()
    selection: Selection | None = None
    deferred: Deferred = NOT_DEFERRED
    streaming: Streaming | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What is asked only of objects of one type."""

    type: str
    selection: Selection


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What is asked of a composite value."""

    type: str
    fields: tuple[Field, ...]
    groups: tuple[Group, ...] = ()

    def lines(self, indent: str = "") -> Iterator[str]:
        """Yield the selection as text, one field a line."""
        for field in self.fields:
            alias = "" if field.key == field.name else f"{field.key}: "
            yield f"{indent}{alias}{field.name}{field.arguments}"
            if field.selection is not None:
                yield from field.selection.lines(indent + "  ")
        for group in self.groups:
            yield f"{indent}... on {group.type}"
            yield from group.selection.lines(indent + "  ")


TYPENAME_FIELD = Field(key=TYPENAME, name=TYPENAME)
"""The `__typename` of an abstract type, the only one that is fetched."""


def groups_clash(selection: Selection) -> bool:
    """Whether fields for objects of different types share a response key but not their meaning, at any depth."""
    return bool(selection.groups) and _clash(list(_all_fields(selection)))


def _clash(fields: Iterable[Field]) -> bool:
    by_key: dict[str, list[Field]] = {}
    for field in fields:
        by_key.setdefault(field.key, []).append(field)
    for alike in by_key.values():
        if len(alike) > 1:
            if len({(field.name, field.arguments) for field in alike}) > 1:
                return True
            inner = {id(field.selection): field.selection for field in alike if field.selection is not None}
            if len(inner) > 1 and _clash(field for part in inner.values() for field in _all_fields(part)):
                return True
    return False


def _all_fields(selection: Selection) -> Iterator[Field]:
    yield from selection.fields
    for group in selection.groups:
        yield from group.selection.fields


def merged(first: Selection, second: Selection) -> Selection:
    """Return what both selections of one type ask for."""
    fields = {(field.key, field.name, field.arguments): field for field in first.fields}
    for field in second.fields:
        same = fields.get(identity := (field.key, field.name, field.arguments))
        fields[identity] = field if same is None else _merged_field(same, field)
    groups = {group.type: group for group in first.groups}
    for group in second.groups:
        known = groups.get(group.type)
        selection = group.selection if known is None else merged(known.selection, group.selection)
        groups[group.type] = Group(group.type, selection)
    return Selection(first.type, tuple(fields.values()), tuple(groups.values()))


def _merged_field(first: Field, second: Field) -> Field:
    if first.selection is None or second.selection is None:
        return first
    selection = merged(first.selection, second.selection)
    return Field(first.key, first.name, first.arguments, first.variables | second.variables, selection)
