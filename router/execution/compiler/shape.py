"""The shape of an answer: which fields an object of each type has, in the client's order.

It is the specification's CollectFields, done once for each type that an object may have instead of for each object, and
for one variant of the operation: the values of the variables in `@skip` and `@include` are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from router.execution.selections import fragment_of

TYPENAME = "__typename"
INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A scalar, or an enum with the values that clients may see."""

    values: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """A list, or some of its items."""

    item: Position
    start: int = 0
    stop: int | None = None

    @property
    def bounds(self) -> str:
        """Which items, as Python writes it; empty for all."""
        return f"[{self.start}:{'' if self.stop is None else self.stop}]" if self.start or self.stop is not None else ""


@dataclass(frozen=True, slots=True, eq=False)
class Position:
    """A place in the answer that holds a value, or null if it may."""

    nullable: bool
    content: Content


@dataclass(frozen=True, slots=True)
class TypenameField:
    """`__typename`: a constant where the type is certain, else None and read from the object."""

    key: str
    constant: str | None


@dataclass(frozen=True, slots=True)
class ValueField:
    """Any other field."""

    key: str
    position: Position


AnswerField: TypeAlias = TypenameField | ValueField


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """The fields of the objects whose type is among `types`."""

    types: frozenset[str]
    fields: tuple[AnswerField, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """An object, or one of several types of objects.

    `name` is the type that the schema has at this place, `abstract` whether it leaves the object's own type open.
    """

    name: str
    abstract: bool
    variants: tuple[Variant, ...]

    @property
    def needs_type(self) -> bool:
        """Whether the answer cannot be made without knowing the object's type."""
        return len(self.variants) > 1 or any(
            isinstance(each, TypenameField) and each.constant is None
            for variant in self.variants
            for each in variant.fields
        )


Content: TypeAlias = Leaf | Items | Composite
"""What may be at a position."""


def shape_of(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    conditions: Mapping[str, bool],
) -> Composite:
    """Return the shape of the answer to one variant of an operation."""
    root = schema.get_root_type(operation.operation)
    if root is None:
        raise ValueError(f"The schema has no {operation.operation.value} type.")
    return _Shaper(schema, fragments, conditions).composite(root, (operation.selection_set,))


@dataclass(slots=True)
class _Shaper:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    conditions: Mapping[str, bool]
    known: dict[tuple[str, tuple[int, ...]], Composite] = field(default_factory=dict)

    def composite(
        self,
        static: GraphQLObjectType | GraphQLAbstractType,
        selection_sets: tuple[SelectionSetNode, ...],
    ) -> Composite:
        key = (static.name, tuple(map(id, selection_sets)))
        if key not in self.known:
            abstract = not isinstance(static, GraphQLObjectType)
            variants = self._variants(self._possible(static), selection_sets, abstract)
            self.known[key] = Composite(static.name, abstract, variants)
        return self.known[key]

    def _possible(
        self, static: GraphQLObjectType | GraphQLAbstractType
    ) -> Sequence[GraphQLObjectType | GraphQLInterfaceType]:
        """Return the types of objects that may stand for a type.

        An interface can have none that clients may see, where subgraphs know its objects only as the interface.
        """
        if isinstance(static, GraphQLObjectType):
            return [static]
        possible = self.schema.get_possible_types(static)
        return possible or ([static] if isinstance(static, GraphQLInterfaceType) else [])

    def _variants(
        self,
        possible: Iterable[GraphQLObjectType | GraphQLInterfaceType],
        selection_sets: tuple[SelectionSetNode, ...],
        abstract: bool,
    ) -> tuple[Variant, ...]:
        """Put types that are answered alike into one variant."""
        groups: dict[tuple[object, ...], tuple[set[str], tuple[AnswerField, ...]]] = {}
        for each in possible:
            collected: dict[str, list[FieldNode]] = {}
            self._collect(each, selection_sets, collected)
            fields = tuple(self._field(each, key, nodes, abstract) for key, nodes in collected.items())
            alike = tuple(_likeness(answer) for answer in fields)
            groups.setdefault(alike, (set(), fields))[0].add(each.name)
        return tuple(Variant(frozenset(types), fields) for types, fields in groups.values())

    def _collect(
        self,
        concrete: GraphQLObjectType | GraphQLInterfaceType,
        selection_sets: Iterable[SelectionSetNode],
        into: dict[str, list[FieldNode]],
        spread: set[str] | None = None,
    ) -> None:
        spread = set() if spread is None else spread
        for node in (node for selection_set in selection_sets for node in selection_set.selections):
            if node.directives and not included(node, self.conditions):
                continue
            if isinstance(node, FieldNode):
                into.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in spread:
                    continue
                spread.add(node.name.value)
            fragment = fragment_of(node, self.fragments)
            condition = fragment.type_condition
            if condition is None or self._applies(concrete, condition.name.value):
                self._collect(concrete, (fragment.selection_set,), into, spread)

    def _applies(self, concrete: GraphQLObjectType | GraphQLInterfaceType, condition: str) -> bool:
        if condition == concrete.name:
            return True
        target = self.schema.get_type(condition)
        return isinstance(target, GraphQLInterfaceType | GraphQLUnionType) and self.schema.is_sub_type(target, concrete)

    def _field(
        self, parent: GraphQLObjectType | GraphQLInterfaceType, key: str, nodes: list[FieldNode], abstract: bool
    ) -> AnswerField:
        name = nodes[0].name.value
        if name == TYPENAME:
            return TypenameField(key, None if abstract else parent.name)
        if name in INTROSPECTION and parent is self.schema.query_type:
            return ValueField(key, Position(True, Leaf()))
        definition: GraphQLField = parent.fields[name]
        below = tuple(node.selection_set for node in nodes if node.selection_set)
        return ValueField(key, self._position(definition.type, below))

    def _position(self, kind: GraphQLOutputType, below: tuple[SelectionSetNode, ...]) -> Position:
        nullable = not isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(inner, GraphQLList):
            return Position(nullable, Items(self._position(inner.of_type, below)))
        if isinstance(inner, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            return Position(nullable, self.composite(inner, below))
        values = frozenset(inner.values) if isinstance(inner, GraphQLEnumType) else None
        return Position(nullable, Leaf(values))


def content_at(shape: Composite, keys: Iterable[str]) -> Content | None:
    """Return what is at the end of some keys, lists passed through; None where the client asked for nothing."""
    content: Content | None = shape
    for key in keys:
        content = below(content, key)
        while isinstance(content, Items):
            content = content.item.content
    return content


def below(content: Content | None, key: str) -> Content | None:
    """Return what is under a key of an object, if the client asked for it and it is not `__typename`."""
    if not isinstance(content, Composite):
        return None
    fields = (each for variant in content.variants for each in variant.fields if isinstance(each, ValueField))
    return next((each.position.content for each in fields if each.key == key), None)


def included(node: SelectionNode, conditions: Mapping[str, bool]) -> bool:
    """Tell whether `@skip` and `@include` leave a node in."""
    for directive in node.directives or ():
        name = directive.name.value
        if name in {"skip", "include"}:
            value = directive.arguments[0].value if directive.arguments else None
            holds = value.value if isinstance(value, BooleanValueNode) else _condition(value, conditions)
            if holds is (name == "skip"):
                return False
    return True


def _condition(value: ValueNode | None, conditions: Mapping[str, bool]) -> bool:
    return isinstance(value, VariableNode) and bool(conditions.get(value.name.value))


def _likeness(answer: AnswerField) -> tuple[object, ...]:
    """Return what two types' fields must have in common to be answered by the same code."""
    if isinstance(answer, TypenameField):
        return answer.key, answer.constant
    return answer.key, *likeness(answer.position)


def likeness(position: Position) -> tuple[object, ...]:
    """Return what is equal for two positions that the same code can answer."""
    content = position.content
    if isinstance(content, Items):
        return position.nullable, content.bounds, *likeness(content.item)
    return position.nullable, content.values if isinstance(content, Leaf) else id(content)
