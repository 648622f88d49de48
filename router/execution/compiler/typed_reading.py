"""Reading what a subgraph answers, with each leaf held to the type that the schema gives it.

Checking values one by one would cost as much as making the answer. But msgspec reads JSON into dictionaries of known
fields as fast as JSON can be read at all, and refuses what does not fit. Only then an answer is read again, without
types, and looked through for what is wrong with it: each such value becomes null, as the specification demands of
values that cannot be coerced, and an error. Leaves of custom scalars may be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypedDict

import msgspec
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from router.execution.exchange import GraphQLErrorDict
from router.planner.plan import Fetch, QueryPlan

CODE = "RESPONSE_VALIDATION_FAILED"
MAX_INT = 2**31
ENTITIES = "_entities"

_Path: TypeAlias = tuple[str | int, ...]

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What a reader raises on anything that does not fit."""


@dataclass(frozen=True, slots=True)
class LeafKind:
    """A leaf of some type, as msgspec knows it and as it is looked through."""

    name: str
    type: Any
    fits: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class ListKind:
    """A list."""

    item: Kind


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """An object with fields; those that are asked for only of some types may be missing."""

    fields: dict[str, Kind]


Kind: TypeAlias = LeafKind | ListKind | ObjectKind | None
"""What is expected of a value; None expects nothing."""


def _is_whole(value: Any) -> bool:
    whole = type(value) is int or (type(value) is float and value.is_integer())
    return whole and -MAX_INT <= value < MAX_INT


_INT = Annotated[int, msgspec.Meta(ge=-MAX_INT, lt=MAX_INT)]
_LIST: Any = list
_DICTIONARY: Any = TypedDict
_TEXT = LeafKind("String", str | None, lambda value: type(value) is str)
_LEAVES: Mapping[str, LeafKind] = {
    "Int": LeafKind("Int", _INT | None, _is_whole),
    "Float": LeafKind("Float", int | float | None, lambda value: type(value) in {int, float}),
    "String": _TEXT,
    "Boolean": LeafKind("Boolean", bool | None, lambda value: type(value) is bool),
    "ID": LeafKind("ID", str | int | None, lambda value: type(value) in {str, int}),
}


class TypedReader:
    """Reads the answers to one fetch.

    Attributes:
        decode: reads the JSON of an answer; raises one of `UNREADABLE` where something does not fit.
    """

    __slots__ = ("_kind", "decode")

    def __init__(self, kind: ObjectKind) -> None:
        self._kind = kind
        answer = _dictionary({"data": _type(kind), "errors": Any, "extensions": Any})
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(answer).decode

    def mend(self, data: Any) -> Iterator[GraphQLErrorDict]:
        """Set every leaf to null that is of the wrong type; yield an error for each, by its path in the answer."""
        return _mend(self._kind, data, ())


def readers_of(schema: GraphQLSchema, plan: QueryPlan) -> Mapping[int, TypedReader]:
    """Return the readers for the fetches of a plan, by their ids; with contexts, what comes back has other keys."""
    plain = (fetch for fetch in plan.fetches if not any(call.contexts for call in fetch.entities))
    return {fetch.id: reader_of(schema, fetch) for fetch in plain}


def reader_of(schema: GraphQLSchema, fetch: Fetch) -> TypedReader:
    """Return the reader for a fetch; what the schema does not have is not looked at."""
    operation = parse(fetch.document, no_location=True).definitions[0]
    if not isinstance(operation, OperationDefinitionNode):
        raise TypeError("a fetch sends an operation")
    kinds = _Kinds(schema)
    if not fetch.entities:
        return TypedReader(kinds.object_of(schema.get_root_type(operation.operation), operation.selection_set))
    calls = (node for node in operation.selection_set.selections if isinstance(node, FieldNode))
    entities = {_key(node): ListKind(kinds.object_of(None, node.selection_set)) for node in calls}
    return TypedReader(ObjectKind(dict(entities)))


@dataclass(frozen=True, slots=True)
class _Kinds:
    schema: GraphQLSchema

    def object_of(self, parent: Any, selection_set: SelectionSetNode | None) -> ObjectKind:
        found: dict[str, Kind] = {}
        self._collect(parent, selection_set, found)
        return ObjectKind(found)

    def _collect(self, parent: Any, selection_set: SelectionSetNode | None, found: dict[str, Kind]) -> None:
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                kind = self._field(parent, node)
                found[_key(node)] = _merged(found[_key(node)], kind) if _key(node) in found else kind
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = parent if condition is None else self.schema.get_type(condition.name.value)
                self._collect(inner, node.selection_set, found)

    def _field(self, parent: Any, node: FieldNode) -> Kind:
        if node.name.value == "__typename":
            return None
        fields = parent.fields if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else {}
        definition = fields.get(node.name.value)
        return None if definition is None else self._kind(definition.type, node)

    def _kind(self, type_: GraphQLOutputType, node: FieldNode) -> Kind:
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(inner, GraphQLList):
            return ListKind(self._kind(inner.of_type, node))
        if isinstance(inner, GraphQLScalarType):
            return _LEAVES.get(inner.name)
        if isinstance(inner, GraphQLEnumType):
            return _TEXT
        return self.object_of(inner, node.selection_set)


def _merged(first: Kind, second: Kind) -> Kind:
    """Return what fits both of two fields under one key, which may belong to different types."""
    if isinstance(first, ObjectKind) and isinstance(second, ObjectKind):
        fields = dict(first.fields)
        for key, kind in second.fields.items():
            fields[key] = _merged(fields[key], kind) if key in fields else kind
        return ObjectKind(fields)
    if isinstance(first, ListKind) and isinstance(second, ListKind):
        return ListKind(_merged(first.item, second.item))
    return first if first == second else None


def _type(kind: Kind) -> Any:
    """Return the type by which msgspec reads a value; null fits everywhere, for it is dealt with later."""
    match kind:
        case LeafKind():
            return kind.type
        case ListKind():
            return _LIST[_type(kind.item)] | None
        case ObjectKind():
            return _dictionary({key: _type(inner) for key, inner in kind.fields.items()}) | None
        case None:
            return Any


def _dictionary(fields: dict[str, Any]) -> Any:
    """Return the type of a dictionary of some fields, any of which may be missing."""
    return _DICTIONARY("Object", fields, total=False)


def _mend(kind: Kind, value: Any, path: _Path) -> Iterator[GraphQLErrorDict]:
    if isinstance(kind, ObjectKind) and type(value) is dict:
        places = ((key, inner) for key, inner in kind.fields.items() if key in value)
    elif isinstance(kind, ListKind) and type(value) is list:
        places = ((index, kind.item) for index in range(len(value)))
    else:
        return
    for place, inner in places:
        held = value[place]
        if isinstance(inner, LeafKind):
            if held is not None and not inner.fits(held):
                value[place] = None
                yield _error(inner, held, (*path, place))
        else:
            yield from _mend(inner, held, (*path, place))


def _error(kind: LeafKind, value: Any, path: _Path) -> GraphQLErrorDict:
    sent = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}.get(type(value), "another number")
    message = f"A subgraph sent {sent} where {kind.name} is expected."
    return {"message": message, "path": list(path), "extensions": {"code": CODE}}


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value
