"""A subgraph of a universe, made from its SDL.

It answers only what its schema has, refuses external fields that no `@provides` promised, fields that were overridden,
and fields whose requirements were not sent or are not true.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldNode,
    GraphQLError,
    InlineFragmentNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    SelectionSetNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    build_ast_schema,
    execute,
    parse,
    validate,
)

from tests.router.differential.universe import Record, Universe, contains

_DEFINITIONS = {
    "object": ObjectTypeDefinitionNode,
    "interface": InterfaceTypeDefinitionNode,
    "union": UnionTypeDefinitionNode,
    "enum": EnumTypeDefinitionNode,
    "input_object": InputObjectTypeDefinitionNode,
    "scalar": ScalarTypeDefinitionNode,
}
_LISTS = ("directives", "fields", "interfaces", "types", "values")


@dataclass(frozen=True)
class Seen:
    """A record as it was reached: by a representation, below a promise, or plainly."""

    record: Record
    representation: Mapping[str, Any] | None = None
    provided: SelectionSetNode | None = None


class Subgraph:
    """One subgraph, to be queried in this process."""

    def __init__(self, name: str, sdl: str, universe: Universe) -> None:
        self.name = name
        self.universe = universe
        self.types = _merged_definitions(parse(sdl))
        self.schema = build_ast_schema(self._document(), assume_valid=True)
        self.requests: list[str] = []

    def _document(self) -> DocumentNode:
        entities = [name for name, node in self.types.items() if self._keys(name) and _is(node, "object")]
        added = "scalar _Any type _Service { sdl: String } "
        if entities:
            added += f"union _Entity = {' | '.join(entities)} "
            added += "extend type Query { _entities(representations: [_Any!]!): [_Entity]! }"
        definitions = [*(_stripped(node) for node in self.types.values()), *parse(added).definitions]
        if "Query" not in self.types:
            definitions += parse("type Query { _service: _Service! }").definitions
        return DocumentNode(definitions=tuple(_merged_definitions(DocumentNode(definitions=definitions)).values()))

    def _keys(self, type_name: str) -> list[SelectionSetNode]:
        found = []
        for directive in self.types[type_name].directives or ():
            if directive.name.value == "key":
                given = {argument.name.value: argument.value.value for argument in directive.arguments or ()}
                if given.get("resolvable", True):
                    found.append(_field_set(given["fields"]))
        return found

    def execute(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request."""
        node = parse(document)
        if problems := validate(self.schema, node):
            return {"errors": [{"message": f"{self.name}: {problem.message}"} for problem in problems]}
        result = execute(
            self.schema,
            node,
            variable_values=dict(variables),
            field_resolver=self._resolve,
            type_resolver=lambda seen, _info, _abstract: self._type_name(seen),
        )
        response: dict[str, Any] = {"data": result.data}
        if result.errors:
            response["errors"] = [{"message": f"{self.name}: {error.message}"} for error in result.errors]
        return response

    def _type_name(self, seen: Seen) -> str:
        if seen.record.type in self.types:
            return seen.record.type
        interfaces = self.universe.supergraph.types[seen.record.type].interfaces.values()
        return next(name for name in frozenset().union(*interfaces) if _is(self.types.get(name), "object"))

    def _resolve(self, source: Seen | None, info: Any, **arguments: Any) -> Any:
        if info.field_name == "_entities":
            return [self._entity(representation) for representation in arguments["representations"]]
        seen = source or Seen(Record(info.parent_type.name, 0))
        node = self._field(info.parent_type.name, info.field_name)
        promise = self._check(seen, info.parent_type.name, node)
        provided = _argument(node, "provides")
        inner = promise.selection_set if promise is not None else None
        if provided is not None:
            inner = _both(inner, _field_set(provided))
        public = self.universe.public_arguments(seen.record.type, info.field_name)
        public |= {each.name for each in self.universe.context_arguments(seen.record.type, info.field_name)}
        known = {name: value for name, value in arguments.items() if name in public}
        value = self.universe.value(seen.record, info.field_name, known)
        return _seen(value, inner)

    def _field(self, type_name: str, name: str) -> Any:
        return next(field for field in self.types[type_name].fields if field.name.value == name)

    def _check(self, seen: Seen, type_name: str, node: Any) -> FieldNode | None:
        """Refuse a field that this subgraph cannot tell here; return what promised it, if anything did."""
        name = node.name.value
        promise = next((field for field in self._promised(seen) if field.name.value == name), None)
        membership = self.universe.supergraph.types[type_name].fields[name].subgraphs.get(self.name)
        requires = _argument(node, "requires")
        is_key = any(name in _names(key) for key in self._all_keys(type_name))
        if promise is not None or is_key:
            return promise
        label = membership and membership.override_label
        is_owner = label is None or (label in self.universe.labels) == (membership.override is not None)
        if membership is None or (membership.used_overridden and label is None) or not is_owner:
            raise GraphQLError(f"{type_name}.{name} is overridden")
        if requires is not None:
            wanted = self.universe.sent(seen.record, _field_set(requires))
            if not contains(seen.representation, wanted):
                raise GraphQLError(f"{type_name}.{name} requires {wanted}, got {seen.representation}")
        elif membership.external:
            raise GraphQLError(f"{type_name}.{name} is external")
        return None

    def _all_keys(self, type_name: str) -> list[SelectionSetNode]:
        return [
            _field_set(argument.value.value)
            for directive in self.types[type_name].directives or ()
            for argument in directive.arguments or ()
            if directive.name.value == "key" and argument.name.value == "fields"
        ]

    def _promised(self, seen: Seen) -> Iterator[FieldNode]:
        pending = [seen.provided] if seen.provided is not None else []
        while pending:
            for node in pending.pop().selections:
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(
                    node, InlineFragmentNode
                ) and seen.record.type in self.universe.supergraph.possible_types(node.type_condition.name.value):
                    pending.append(node.selection_set)

    def _entity(self, representation: Mapping[str, Any]) -> Any:
        name = representation["__typename"]
        if name not in self.types:
            return GraphQLError(f"unknown type {name}")
        keys = self._keys(name)
        for record in self.universe.records(name):
            for key in keys:
                if contains(representation, self.universe.sent(record, key)):
                    return Seen(record, representation)
        if not any(all(field in representation for field in _names(key)) for key in keys):
            return GraphQLError(f"no complete key of {name} in {representation}")
        return None


def _seen(value: Any, provided: SelectionSetNode | None) -> Any:
    if isinstance(value, list):
        return [_seen(item, provided) for item in value]
    return Seen(value, None, provided) if isinstance(value, Record) else value


def _both(first: SelectionSetNode | None, second: SelectionSetNode) -> SelectionSetNode:
    return second if first is None else SelectionSetNode(selections=(*first.selections, *second.selections))


def _is(node: Any, kind: str) -> bool:
    return isinstance(node, _DEFINITIONS[kind])


def _names(node: SelectionSetNode) -> list[str]:
    return [selection.name.value for selection in node.selections]


def _field_set(text: str) -> SelectionSetNode:
    return parse(f"{{{text}}}").definitions[0].selection_set


def _argument(node: Any, directive: str) -> str | None:
    for given in node.directives or ():
        if given.name.value == directive:
            return given.arguments[0].value.value
    return None


def _merged_definitions(document: DocumentNode) -> dict[str, Any]:
    """Return the types of a document by name, extensions made one with what they extend."""
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    kinds: dict[str, Any] = {}
    for node in document.definitions:
        if isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            name = node.name.value
            kinds[name] = _DEFINITIONS[
                node.kind.removesuffix("_definition").removesuffix("_extension").removesuffix("_type")
            ]
            found[name]["name"] = node.name
            for part in _LISTS:
                if hasattr(node, part):
                    found[name][part] = (*found[name].get(part, ()), *(getattr(node, part) or ()))
    return {name: kinds[name](**parts) for name, parts in found.items()}


def _stripped(node: Any) -> Any:
    """Return a definition without directives."""
    parts = {key: getattr(node, key) for key in node.keys if key not in {"loc", "directives"}}
    for part in ("fields", "values", "arguments"):
        if parts.get(part):
            parts[part] = tuple(map(_stripped, parts[part]))
    return type(node)(**parts)
