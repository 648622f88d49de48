"""Selections in normal form: the language of all planner passes.

A selection belongs to a composite type. `fields` are taken from every object that stands there, `groups` only from
objects of one type each. Fragments are gone, `@skip` and `@include` are decided, and a response key occurs once in
`fields` and once in each group (in both only if the group adds to it). Selections are compared by identity: equal parts
of an operation are normalised once and shared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

TYPENAME = "__typename"


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field that is asked for.

    `arguments` is their text with the parentheses, empty without any; `variables` are the client's variables in it.
    """

    key: str
    name: str
    arguments: str = ""
    variables: frozenset[str] = frozenset()
    selection: Selection | None = None


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
