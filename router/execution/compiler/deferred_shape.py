"""The shape of an answer that comes in parts (`@defer`, `@stream`).

As in `shape`, the fields of each type of object are collected once and not for each object. Here they are told apart by
when they come: those of the object's own time make up its shape, the others stand beside it as pieces. Of a list that
is streamed the shape has the first items; the later ones are a piece of the object that has the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.language import FragmentSpreadNode

from router.execution.compiler.shape import (
    INTROSPECTION,
    TYPENAME,
    AnswerField,
    Composite,
    Items,
    Leaf,
    Position,
    TypenameField,
    ValueField,
    Variant,
    likeness,
)
from router.execution.compiler.shape import included as is_included
from router.execution.selections import fragment_of
from router.planner.deferral import AT_ONCE, NOT_DEFERRED, Deferrals, Deferred, Streaming, Usage, group_of

_Set: TypeAlias = tuple[SelectionSetNode, Usage]
_Asking: TypeAlias = tuple[FieldNode, Usage]
_Concrete: TypeAlias = GraphQLObjectType | GraphQLInterfaceType


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Fields of an object that come later than itself, all with the same group."""

    group: Deferred
    shape: Composite
    site: Site | None


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """The later items of a list: where they begin, what makes them of the object that has it, and what is below."""

    key: str
    start: int
    usage: Usage
    piece: Piece
    site: Site | None


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What is deferred at the objects of one type: the fragments that stand there, what they bring, what is below."""

    usages: tuple[Usage, ...]
    pieces: tuple[Piece, ...]
    below: Mapping[str, Site]
    tails: tuple[Tail, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.usages or self.pieces or self.below or self.tails)


NOTHING = Standing((), (), {})


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A place where something is deferred, at the objects themselves or below them."""

    by_type: Mapping[str, Standing]

    def standing(self, name: object) -> Standing | None:
        """Return what is deferred at an object of a type; the type is not asked for where there is one only."""
        if len(self.by_type) == 1:
            return next(iter(self.by_type.values()))
        return self.by_type.get(name) if isinstance(name, str) else None


@dataclass(slots=True)
class DeferredShaper:
    """Makes the shapes of one variant of an operation."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    deferrals: Deferrals
    pieces: list[Piece] = field(default_factory=list)
    _known: dict[object, tuple[Composite, Site | None]] = field(default_factory=dict)

    def of(self, operation: OperationDefinitionNode) -> tuple[Composite, Site | None]:
        """Return what of an operation comes at once, and what is deferred of it."""
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            raise ValueError(f"The schema has no {operation.operation.value} type.")
        return self._composite(root, ((operation.selection_set, AT_ONCE),), NOT_DEFERRED)

    def _composite(
        self, static: GraphQLObjectType | GraphQLAbstractType, sets: tuple[_Set, ...], group: Deferred
    ) -> tuple[Composite, Site | None]:
        """Return the shape of what comes with a group, and what of the same objects does not."""
        key = (static.name, tuple((id(node), usage) for node, usage in sets), group)
        if key not in self._known:
            self._known[key] = self._make(static, sets, group)
        return self._known[key]

    def _make(
        self, static: GraphQLObjectType | GraphQLAbstractType, sets: tuple[_Set, ...], group: Deferred
    ) -> tuple[Composite, Site | None]:
        is_abstract = not isinstance(static, GraphQLObjectType)
        alike: dict[object, tuple[set[str], tuple[AnswerField, ...]]] = {}
        by_type: dict[str, Standing] = {}
        for concrete in self._possible(static):
            fields, by_type[concrete.name] = self._on_type(concrete, sets, group, is_abstract)
            same = alike.setdefault(tuple(map(_likeness, fields)), (set(), fields))
            same[0].add(concrete.name)
        variants = tuple(Variant(frozenset(types), fields) for types, fields in alike.values())
        return Composite(static.name, is_abstract, variants), Site(by_type) if any(by_type.values()) else None

    def _possible(self, static: GraphQLObjectType | GraphQLAbstractType) -> Iterable[_Concrete]:
        if isinstance(static, GraphQLObjectType):
            return [static]
        possible = self.schema.get_possible_types(static)
        return possible or ([static] if isinstance(static, GraphQLInterfaceType) else [])

    def _on_type(
        self, concrete: _Concrete, sets: tuple[_Set, ...], group: Deferred, is_abstract: bool
    ) -> tuple[tuple[AnswerField, ...], Standing]:
        collected: dict[str, list[_Asking]] = {}
        usages: dict[Usage, None] = {}
        self._collect(concrete, sets, collected, usages, set())
        by_group: dict[Deferred, dict[str, list[_Asking]]] = {group: {}}
        for key, asked in collected.items():
            by_group.setdefault(group_of(usage for _node, usage in asked), {})[key] = asked
        fields, standing = self._fields(concrete, by_group.pop(group), group, is_abstract)
        pieces = tuple(self._piece(concrete, asked, later) for later, asked in by_group.items())
        return fields, replace(standing, usages=tuple(usages), pieces=pieces)

    def _piece(self, concrete: _Concrete, asked: Mapping[str, list[_Asking]], group: Deferred) -> Piece:
        fields, standing = self._fields(concrete, asked, group, is_abstract=False)
        return self._made(concrete, fields, group, standing)

    def _made(self, concrete: _Concrete, fields: tuple[AnswerField, ...], group: Deferred, standing: Standing) -> Piece:
        shape = Composite(concrete.name, False, (Variant(frozenset({concrete.name}), fields),))
        piece = Piece(group, shape, Site({concrete.name: standing}) if standing else None)
        self.pieces.append(piece)
        return piece

    def _collect(
        self,
        concrete: _Concrete,
        sets: Iterable[_Set],
        into: dict[str, list[_Asking]],
        usages: dict[Usage, None],
        entered: set[tuple[int, Usage]],
    ) -> None:
        for selection_set, usage in sets:
            if (id(selection_set), usage) in entered:
                continue
            entered.add((id(selection_set), usage))
            for node in selection_set.selections:
                if node.directives and not is_included(node, self.deferrals.conditions):
                    continue
                if isinstance(node, FieldNode):
                    into.setdefault(node.alias.value if node.alias else node.name.value, []).append((node, usage))
                elif isinstance(node, InlineFragmentNode | FragmentSpreadNode):
                    fragment = fragment_of(node, self.fragments)
                    condition = fragment.type_condition
                    if condition is None or self._applies(concrete, condition.name.value):
                        inner = self.deferrals.within(usage, node)
                        if inner != usage:
                            usages[inner] = None
                        self._collect(concrete, ((fragment.selection_set, inner),), into, usages, entered)

    def _applies(self, concrete: _Concrete, condition: str) -> bool:
        if condition == concrete.name:
            return True
        target = self.schema.get_type(condition)
        return isinstance(target, GraphQLInterfaceType | GraphQLUnionType) and self.schema.is_sub_type(target, concrete)

    def _fields(
        self, concrete: _Concrete, asked: Mapping[str, list[_Asking]], group: Deferred, is_abstract: bool
    ) -> tuple[tuple[AnswerField, ...], Standing]:
        """Return the fields of one group, and what is deferred below them."""
        fields: list[AnswerField] = []
        below: dict[str, Site] = {}
        tails: list[Tail] = []
        for key, nodes in asked.items():
            name = nodes[0][0].name.value
            if name == TYPENAME:
                fields.append(TypenameField(key, None if is_abstract else concrete.name))
                continue
            if name in INTROSPECTION and concrete is self.schema.query_type:
                fields.append(ValueField(key, Position(True, Leaf())))
                continue
            sets = tuple((node.selection_set, usage) for node, usage in nodes if node.selection_set)
            kind = concrete.fields[name].type
            position, site = self._position(kind, sets, group)
            if streaming := self.deferrals.streaming(nodes):
                position = _part_of(position, 0, streaming.first)
                tails.append(self._tail(concrete, key, kind, sets, streaming))
            fields.append(ValueField(key, position))
            if site is not None:
                below[key] = site
        return tuple(fields), Standing((), (), below, tuple(tails))

    def _tail(
        self, concrete: _Concrete, key: str, kind: GraphQLOutputType, sets: tuple[_Set, ...], streaming: Streaming
    ) -> Tail:
        group = frozenset({streaming.later})
        later = tuple((node, streaming.later) for node, _usage in sets)
        position, site = self._position(kind, later, group)
        items = replace(_part_of(position, streaming.first), nullable=True)
        piece = self._made(concrete, (ValueField(key, items),), group, NOTHING)
        return Tail(key, streaming.first, streaming.later, piece, site)

    def _position(
        self, kind: GraphQLOutputType, sets: tuple[_Set, ...], group: Deferred
    ) -> tuple[Position, Site | None]:
        nullable = not isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(inner, GraphQLList):
            item, site = self._position(inner.of_type, sets, group)
            return Position(nullable, Items(item)), site
        if isinstance(inner, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            shape, site = self._composite(inner, sets, group)
            return Position(nullable, shape), site
        values = frozenset(inner.values) if isinstance(inner, GraphQLEnumType) else None
        return Position(nullable, Leaf(values)), None


def _part_of(position: Position, start: int, stop: int | None = None) -> Position:
    """Return a list's position, for some of the items."""
    content = position.content
    return (
        replace(position, content=replace(content, start=start, stop=stop)) if isinstance(content, Items) else position
    )


def _likeness(answer: AnswerField) -> tuple[object, ...]:
    if isinstance(answer, TypenameField):
        return answer.key, answer.constant
    return answer.key, *likeness(answer.position)
