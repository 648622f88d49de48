"""A universe of data made up from a supergraph, which one monolith and all its subgraphs tell of alike.

Every value is a function of the object, the field and its arguments, so nothing is stored and the same seed gives the
same universe. The subgraphs are strict: they refuse what a right plan never asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    parse,
    value_from_ast_untyped,
)
from graphql.execution import experimental_execute_incrementally
from graphql.language import ListTypeNode, NonNullTypeNode, TypeNode

from router.supergraph import ContextArgument, FieldInSubgraph, Supergraph, TypeKind
from router.supergraph.types import named_type

COUNT = 4
"""How many objects there are of each type."""


@dataclass(frozen=True)
class Record:
    """One object of the universe; a root type has one."""

    type: str
    index: int


class Universe:
    """The values of all fields of all objects."""

    def __init__(self, supergraph: Supergraph, seed: int = 0) -> None:
        self.supergraph = supergraph
        self.seed = seed
        self.labels: frozenset[str] = frozenset()
        self.enums = {
            name: list(type_.values)
            for name, type_ in supergraph.api_schema.type_map.items()
            if hasattr(type_, "values")
        }
        self.keyed = {
            (name, field)
            for name, type_ in supergraph.types.items()
            for membership in type_.subgraphs.values()
            for key in membership.keys
            for field in self.key_fields(name, key.fields)
        }

    def key_fields(self, type_name: str, text: str) -> list[tuple[str, str]] | list[str]:
        node = parse(f"{{{text}}}").definitions[0].selection_set
        return [selection.name.value for selection in node.selections]

    def is_keyed(self, record: Record, field: str) -> bool:
        names = [record.type, *frozenset().union(*self.supergraph.types[record.type].interfaces.values())]
        return any((name, field) in self.keyed for name in names)

    def number(self, *parts: object) -> int:
        text = "/".join(map(str, (self.seed, *parts)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big")

    def value(self, record: Record, field: str, arguments: Mapping[str, Any]) -> Any:
        """Return the value of a field: a leaf, a record, or a list of them."""
        definition = self.supergraph.types[record.type].fields[field]
        place = (record.type, record.index, field, *sorted(arguments.items()))
        memberships = [self.reference(record, field, subgraph) for subgraph in definition.subgraphs]
        references = [definition.type, *(m.type for m in memberships if m is not None)]
        return self.made(references, place, record, field)

    def public_arguments(self, type_name: str, field: str) -> frozenset[str]:
        """Return the arguments that clients can give; the others keep their defaults and change nothing."""
        type_ = self.supergraph.api_schema.type_map.get(type_name)
        fields = getattr(type_, "fields", {})
        return frozenset(fields[field].args if field in fields else ())

    def reference(self, record: Record, field: str, subgraph: str) -> FieldInSubgraph | None:
        return self.supergraph.types[record.type].fields[field].subgraphs.get(subgraph)

    def made(self, references: list[TypeNode], place: tuple[object, ...], record: Record, field: str) -> Any:
        is_required = any(isinstance(node, NonNullTypeNode) for node in references)
        references = [node.type if isinstance(node, NonNullTypeNode) else node for node in references]
        number = self.number("kind", *place)
        if not is_required and number % 6 == 0 and not self.is_keyed(record, field):
            return None
        if isinstance(references[0], ListTypeNode):
            inner = [node.type for node in references]
            return [self.made(inner, (*place, item), record, field) for item in range(number % 4)]
        return self.single(named_type(references[0]), references, place, record, field)

    def single(
        self, name: str, references: list[TypeNode], place: tuple[object, ...], record: Record, field: str
    ) -> Any:
        number = self.number("value", *place)
        type_ = self.supergraph.types.get(name)
        if type_ is not None and type_.is_composite:
            possible = self.possible(record, field, [named_type(node) for node in references])
            index = record.index if self.is_keyed(record, field) else number % COUNT
            index = 0 if name in self.supergraph.roots.values() else index
            return Record(possible[number % len(possible)], index) if possible else None
        if name in self.enums:
            return self.enums[name][number % len(self.enums[name])] if self.enums[name] else None
        if name == "Int":
            unique = record.index + COUNT * (self.number(record.type) % 1000)
            return unique if self.is_keyed(record, field) else number % 1000
        if name == "Float":
            return number % 1000 / 4
        if name == "Boolean":
            return number % 2 == 0
        return ".".join(map(str, place))

    def possible(self, record: Record, field: str, names: list[str]) -> list[str]:
        """Return the object types that everyone who defines the field can tell of."""
        found = set(self.supergraph.possible_types(names[0]))
        definition = self.supergraph.types[record.type].fields[field]
        for interface in frozenset().union(*self.supergraph.types[record.type].interfaces.values()):
            other = self.supergraph.types[interface].fields.get(field)
            if other is not None:
                found &= set(self.supergraph.possible_types(named_type(other.type)))
        for membership in definition.subgraphs.values():
            found &= self.possible_in(membership.subgraph, named_type(membership.type))
        return sorted(found)

    def possible_in(self, subgraph: str, name: str) -> set[str]:
        type_ = self.supergraph.types[name]
        everywhere = set(self.supergraph.possible_types(name))
        if type_.kind is TypeKind.UNION:
            return set(type_.members.get(subgraph, ()))
        membership = type_.subgraphs.get(subgraph)
        if type_.kind is TypeKind.OBJECT or (membership is not None and membership.is_interface_object):
            return everywhere
        return {o for o in everywhere if name in self.supergraph.types[o].interfaces.get(subgraph, ())}

    def records(self, type_name: str) -> list[Record]:
        return [Record(name, i) for name in self.supergraph.possible_types(type_name) for i in range(COUNT)]

    def sent(self, record: Record, node: SelectionSetNode) -> dict[str, Any]:
        """Return what a representation must hold of a field set."""
        found: dict[str, Any] = {}
        for selection in node.selections:
            if isinstance(selection, InlineFragmentNode):
                if record.type in self.supergraph.possible_types(selection.type_condition.name.value):
                    found |= self.sent(record, selection.selection_set)
            elif isinstance(selection, FieldNode) and selection.name.value != "__typename":
                arguments = {a.name.value: value_from_ast_untyped(a.value) for a in selection.arguments or ()}
                value = self.value(record, selection.name.value, arguments)
                found[selection.name.value] = self.sent_value(value, selection.selection_set)
        return found

    def sent_value(self, value: Any, node: SelectionSetNode | None) -> Any:
        if isinstance(value, list):
            return [self.sent_value(item, node) for item in value]
        return self.sent(value, node) if isinstance(value, Record) and node is not None else value

    def context_arguments(self, type_name: str, field: str) -> tuple[ContextArgument, ...]:
        """Return the arguments of a field that enclosing objects fill."""
        definition = self.supergraph.types[type_name].fields.get(field)
        memberships = definition.subgraphs.values() if definition else ()
        return tuple(argument for each in memberships for argument in each.context_arguments)

    def from_context(self, argument: ContextArgument, enclosing: Sequence[Record]) -> Any:
        """Return what the nearest enclosing object that sets an argument's context fills it with."""
        names = [name for name, type_ in self.supergraph.types.items() if argument.context in type_.contexts]
        setters = {each for name in names for each in self.supergraph.possible_types(name)}
        record = next(record for record in reversed(enclosing) if record.type in setters)
        selection = argument.selection.strip().removeprefix("{").removesuffix("}")
        value: Any = self.sent(record, parse(f"{{{selection}}}").definitions[0].selection_set)
        while isinstance(value, dict):
            value = next((inner for name, inner in value.items() if name != "__typename"), None)
        return value


@dataclass(frozen=True)
class Placed:
    """A record as the monolith met it: within which others, the outermost first."""

    record: Record
    enclosing: tuple[Record, ...] = ()


class Monolith:
    """The public schema over the universe."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.schema: GraphQLSchema = universe.supergraph.api_schema

    def execute(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request."""

        def resolve(source: Any, info: Any, **arguments: Any) -> Any:
            placed = source or Placed(Record(info.parent_type.name, 0))
            filled = {
                each.name: self.universe.from_context(each, placed.enclosing)
                for each in self.universe.context_arguments(placed.record.type, info.field_name)
            }
            value = self.universe.value(placed.record, info.field_name, arguments | filled)
            return _placed(value, (*placed.enclosing, placed.record))

        result = experimental_execute_incrementally(  # its plain sister refuses schemas with @defer
            self.schema,
            parse(query),
            variable_values=dict(variables),
            field_resolver=resolve,
            type_resolver=lambda value, _info, _abstract: value.record.type,
        )
        assert not result.errors, result.errors
        return {"data": result.data}


def _placed(value: Any, enclosing: tuple[Record, ...]) -> Any:
    if isinstance(value, list):
        return [_placed(item, enclosing) for item in value]
    return Placed(value, enclosing) if isinstance(value, Record) else value


def contains(sent: Any, wanted: Any) -> bool:
    """Whether a representation holds what is wanted, and perhaps more."""
    if isinstance(wanted, dict):
        return isinstance(sent, dict) and all(key in sent and contains(sent[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(sent, list) and len(sent) == len(wanted) and all(map(contains, sent, wanted))
    return bool(sent == wanted)
