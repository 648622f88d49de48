"""Field sets: the selections in ``@key``, ``@requires``, ``@provides`` and ``@fromContext``.

Parsed once per text into small immutable values, because the same few sets are asked for again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    parse,
    print_ast,
)


class FieldSetError(ValueError):
    """A text is not a field set."""


@dataclass(frozen=True, slots=True)
class Select:
    """A selected field, with the names of its arguments and what is selected below it."""

    name: str
    below: FieldSet = ()
    args: tuple[tuple[str, str], ...] = ()
    alias: str | None = None
    directives: tuple[str, ...] = ()

    def __str__(self) -> str:
        args = f"({', '.join(f'{name}: {value}' for name, value in self.args)})" if self.args else ""
        below = f" {{ {print_field_set(self.below)} }}" if self.below else ""
        return f"{self.name}{args}{below}"


@dataclass(frozen=True, slots=True)
class On:
    """An inline fragment; without a type it is on the type around it."""

    type: str | None
    below: FieldSet
    directives: tuple[str, ...] = ()

    def __str__(self) -> str:
        condition = f" on {self.type}" if self.type else ""
        return f"...{condition} {{ {print_field_set(self.below)} }}"


Selection = Select | On
FieldSet = tuple[Selection, ...]


def print_field_set(selections: FieldSet) -> str:
    """Print a field set."""
    return " ".join(map(str, selections))


@lru_cache(maxsize=4096)
def parse_field_set(text: str) -> FieldSet:
    """Parse a field set, with or without braces around it."""
    stripped = text.strip()
    wrapped = stripped if stripped.startswith("{") else f"{{{stripped}}}"
    try:
        document = parse(wrapped, no_location=True)
    except (GraphQLSyntaxError, RecursionError) as error:
        reason = error.message if isinstance(error, GraphQLSyntaxError) else "nested too deeply"
        raise FieldSetError(reason) from None
    definitions = document.definitions
    if len(definitions) != 1 or not isinstance(definitions[0], OperationDefinitionNode):
        msg = "a single selection is expected"
        raise FieldSetError(msg)
    return _selections(definitions[0].selection_set)


def _selections(node: SelectionSetNode | None) -> FieldSet:
    if node is None:
        return ()
    if not node.selections:
        msg = "at least one field must be selected"
        raise FieldSetError(msg)
    return tuple(_selection(it) for it in node.selections)


def _selection(node: SelectionNode) -> Selection:
    directives = tuple(print_ast(it) for it in node.directives or ())
    if isinstance(node, FragmentSpreadNode):
        msg = f"fragment spreads such as ...{node.name.value} are not allowed"
        raise FieldSetError(msg)
    if isinstance(node, InlineFragmentNode):
        condition = node.type_condition.name.value if node.type_condition else None
        return On(condition, _selections(node.selection_set), directives)
    if not isinstance(node, FieldNode):
        raise FieldSetError(node.kind)
    args = tuple((it.name.value, print_ast(it.value)) for it in node.arguments or ())
    alias = node.alias.value if node.alias else None
    return Select(node.name.value, _selections(node.selection_set), args, alias, directives)


def canonical_field_set(selections: FieldSet) -> str:
    """Print a field set so that all its spellings give one text."""
    return " ".join(sorted({_canonical(it) for it in selections}))


def _canonical(it: Selection) -> str:
    below = f" {{ {canonical_field_set(it.below)} }}" if it.below else ""
    if isinstance(it, On):
        return f"... on {it.type}{below}"
    args = f"({', '.join(f'{name}: {value}' for name, value in sorted(it.args))})" if it.args else ""
    return f"{it.name}{args}{below}"
