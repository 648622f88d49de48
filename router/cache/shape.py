"""What an operation of a subgraph asks for, as far as keeping its answer goes: worked out once for each operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
    print_ast,
    visit,
)
from graphql.language import Visitor

from router.cache.hints import Ages
from router.cache.tags import Tag, key_tag, keyless_tag, list_tag, subgraph_tag, type_tag

ENTITIES: Final = "_entities"
_REPRESENTATIONS: Final = "representations"

Node: TypeAlias = "Objects | None"


@dataclass(slots=True)
class Objects:
    """Objects that are selected at one place.

    Attributes:
        kinds: the types they may have.
        keys: for each field of their keys the response key under which it is selected.
        kind_key: the response key of `__typename`, if it is selected.
        below: what is selected in them, by response key, and whether it is a list.
    """

    kinds: tuple[str, ...]
    keys: dict[str, str]
    kind_key: str | None
    below: dict[str, tuple[Objects, bool]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an answer that is kept by itself: the root as a whole, or the entities under one alias.

    Attributes:
        alias: of the entities; None for the root.
        representations: the variable that they are asked by.
        text: what tells it from other parts.
        variables: that it depends on.
        max_age: seconds that it may be kept if the subgraph does not say.
        private: whether it is kept only for whom it was fetched.
        objects: what it holds.
        formats: of the tags that the schema gives it.
    """

    alias: str | None
    representations: str | None
    text: bytes
    variables: tuple[str, ...]
    max_age: int
    private: bool
    objects: Objects
    formats: tuple[str, ...]


def read_parts(document: str, root: str, ages: Ages) -> tuple[Part, ...] | None:
    """Return the parts of an operation; None where it is of a form that is not kept."""
    parsed = parse(document, no_location=True)
    fragments = {each.name.value: each for each in parsed.definitions if isinstance(each, FragmentDefinitionNode)}
    operation = next(each for each in parsed.definitions if isinstance(each, OperationDefinitionNode))
    fields = [each for each in operation.selection_set.selections if isinstance(each, FieldNode)]
    entities = [each for each in fields if each.name.value == ENTITIES]
    if not entities:
        return (_Walk(ages, fragments).root(operation, root, document),)
    if len(entities) != len(operation.selection_set.selections):
        return None
    parts = [_Walk(ages, fragments).entities(each) for each in entities]
    return None if None in parts else tuple(part for part in parts if part is not None)


class _Walk:
    """A walk through the selections of one part."""

    def __init__(self, ages: Ages, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._ages = ages
        self._fragments = fragments
        self._max_age: int | None = None
        self._private = False
        self._formats: list[str] = []

    def root(self, operation: OperationDefinitionNode, root: str, document: str) -> Part:
        objects = self._objects((root,), operation.selection_set, None)
        variables = tuple(each.variable.name.value for each in operation.variable_definitions or ())
        return self._part(None, None, document.encode(), variables, objects)

    def entities(self, field: FieldNode) -> Part | None:
        arguments = {each.name.value: each.value for each in field.arguments or ()}
        variable = arguments.get(_REPRESENTATIONS)
        if not isinstance(variable, VariableNode) or field.selection_set is None:
            return None
        kinds = tuple(
            node.type_condition.name.value
            for node in field.selection_set.selections
            if isinstance(node, InlineFragmentNode) and node.type_condition is not None
        )
        for kind in kinds:
            self._note(self._ages.of_type(kind) or self._ages.settings.max_age, self._ages.is_private(kind))
            self._formats += self._ages.hints.of(self._ages.subgraph, kind).tags
        objects = self._objects(kinds, field.selection_set, self._max_age)
        used = _Variables()
        visit(field, used)
        for name in used.fragments:
            visit(self._fragments[name], used)
        text = "".join([print_ast(field), *(print_ast(self._fragments[name]) for name in used.fragments)])
        names = tuple(sorted(used.names - {variable.name.value}))
        alias = field.alias.value if field.alias else ENTITIES
        return self._part(alias, variable.name.value, text.replace(alias, "", 1).encode(), names, objects)

    def _part(
        self, alias: str | None, variable: str | None, text: bytes, names: tuple[str, ...], objects: Objects
    ) -> Part:
        formats = tuple(self._formats)
        return Part(alias, variable, text, names, self._max_age or 0, self._private, objects, formats)

    def _note(self, max_age: int, private: bool) -> None:
        self._max_age = max_age if self._max_age is None else min(self._max_age, max_age)
        self._private = self._private or private

    def _objects(self, kinds: tuple[str, ...], selections: SelectionSetNode, age: int | None) -> Objects:
        found = Objects(kinds, {}, None, {})
        for kind in kinds:
            self._select(found, kind, selections, age)
        return found

    def _select(self, found: Objects, kind: str, selections: SelectionSetNode, age: int | None) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                self._field(found, kind, node, age)
                continue
            fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode):
                condition = fragment.type_condition
                inner = condition.name.value if condition else kind
                if inner == kind or len(found.kinds) == 1 or inner not in found.kinds:
                    self._select(found, inner, fragment.selection_set, age)

    def _field(self, found: Objects, kind: str, node: FieldNode, age: int | None) -> None:
        name, shown = node.name.value, node.alias.value if node.alias else node.name.value
        hints, subgraph = self._ages.hints, self._ages.subgraph
        if name == "__typename":
            found.kind_key = shown
            return
        leads = hints.type_of(kind, name)
        said = self._ages.of_field(kind, name, leads[0] if leads else None)
        inner = said if said is not None else age if age is not None else self._ages.settings.max_age
        self._note(inner, self._ages.is_private(kind, name) or (leads is not None and self._ages.is_private(leads[0])))
        self._formats += hints.of(subgraph, kind, name).tags
        found.keys.setdefault(name, shown)
        if leads is not None and node.selection_set is not None:
            objects = self._objects(hints.possible(leads[0]), node.selection_set, inner)
            found.below[shown] = (objects, leads[1])


class _Variables(Visitor):
    """Collects the variables and fragments that are used."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.fragments: list[str] = []

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        if node.name.value not in self.fragments:
            self.fragments.append(node.name.value)


def tags_of(
    part: Part, ages: Ages, data: Any, variables: Mapping[str, Any], representation: Mapping[str, Any] | None
) -> set[Tag]:
    """Return the tags of an entry: of all that it holds, and those that the schema gives it."""
    found = {subgraph_tag(ages.subgraph)}
    _collect(part.objects, ages, data, representation or {}, found)
    for text in part.formats:
        given = text
        for name, value in (representation or {}).items():
            given = given.replace(f"{{$key.{name}}}", str(value))
        for name, value in variables.items():
            given = given.replace(f"{{$args.{name}}}", str(value))
        found.add(f"c:{given}")
    return found


def _collect(objects: Objects, ages: Ages, data: Any, known: Mapping[str, Any], found: set[Tag]) -> None:
    """Add the tags of an object, of a list of them, and of all below."""
    if isinstance(data, list):
        for each in data:
            _collect(objects, ages, each, {}, found)
        return
    if not isinstance(data, dict):
        return
    kind = known.get("__typename") or (data.get(objects.kind_key) if objects.kind_key else None)
    kinds = objects.kinds if len(objects.kinds) == 1 or kind is None else (str(kind),)
    for each in kinds:
        for name in ages.hints.keys(ages.subgraph, each):
            value = known.get(name, data.get(objects.keys.get(name, "")))
            is_shown = value is not None and len(kinds) == 1
            found.add(key_tag(ages.subgraph, each, name, value) if is_shown else keyless_tag(ages.subgraph, each, name))
            found.add(type_tag(ages.subgraph, each))
    for shown, (inner, is_list) in objects.below.items():
        below = data.get(shown)
        if is_list or below is None:
            found.update(list_tag(ages.subgraph, each) for each in inner.kinds if ages.hints.keys(ages.subgraph, each))
        _collect(inner, ages, below, {}, found)
