"""Taking out of an operation what its caller may not have.

What is left is an operation of its own, which is planned and fetched like any other, so that nothing that is refused is
ever asked of a subgraph. A field of which nothing is left is taken out with it. Fragments become inline: what is left
of one depends on the objects that it may meet. Equal parts stay one node, so that fragments that spread fragments
unfold to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLAbstractType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
)

from router.execution.compiler.shape import included
from router.execution.documents import Document
from router.execution.selections import fragment_of
from router.policy.access import AccessRules, Demand, Demands

LIST_STEP: Final = "@"
"""Stands in a path for any item of a list, as in Apollo's router."""
MOST_PATHS: Final = 200
"""Paths that are told of one operation: fragments can repeat a field any number of times."""

_NOTHING: Final = SelectionSetNode(selections=())
"""What `@skip` and `@include` may leave of a selection set."""

Place: TypeAlias = tuple[str, ...]
Left: TypeAlias = tuple[SelectionSetNode | None, tuple[Place, ...]]
"""What is left of a selection set, and what was taken out."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of an operation; None if that is nothing."""

    document: DocumentNode | None
    paths: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class AccessStudy:
    """What an operation demands.

    Attributes:
        demands: all of them; callers differ by those that they do not meet, written as the bits of a number.
        scopes: whether there are demands for scopes among them.
        policies: all policies that they mention.
    """

    rules: AccessRules
    document: Document
    operation: OperationDefinitionNode
    demands: tuple[Demand, ...]
    policies: frozenset[str]

    def unmet(self, *, known: bool, scopes: frozenset[str], policies: frozenset[str]) -> int:
        """Return the demands that somebody does not meet."""
        missing = 0
        for number, demand in enumerate(self.demands):
            if demand.kind == "authenticated":
                met = known
            else:
                met = demand.met_by(scopes if demand.kind == "scopes" else policies)
            if not met:
                missing |= 1 << number
        return missing

    def rest(self, unmet: int, conditions: Mapping[str, bool]) -> Rest:
        """Return what is left for whoever does not meet some demands."""
        refused = frozenset(each for number, each in enumerate(self.demands) if unmet >> number & 1)
        walk = _Walk(self.rules, self.document, lambda demands: not demands.isdisjoint(refused), conditions)
        selections, paths = walk.operation(self.operation)
        if selections is None:
            return Rest(None, paths)
        operation = _with_selections(self.operation, selections)
        return Rest(DocumentNode(definitions=(operation,)), paths)


def study_access(rules: AccessRules, document: Document, name: str | None) -> AccessStudy | None:
    """Look at what an operation demands; None if that is nothing."""
    operation = document.operation(name)
    found: dict[Demand, None] = {}

    def note(demands: Demands) -> bool:
        found.update(dict.fromkeys(sorted(demands, key=str)))
        return False

    _Walk(rules, document, note, None).operation(operation)
    if not found:
        return None
    policies = frozenset[str]().union(*(each.names for each in found if each.kind == "policies"))
    return AccessStudy(rules, document, operation, tuple(found), policies)


@dataclass(slots=True)
class _Walk:
    """A walk through an operation, or one variant of it, that leaves out fields."""

    rules: AccessRules
    document: Document
    refuses: Callable[[Demands], bool]
    conditions: Mapping[str, bool] | None
    done: dict[tuple[int, str, frozenset[str]], Left] = field(default_factory=dict)

    @property
    def schema(self) -> GraphQLSchema:
        return self.rules.schema

    def operation(self, node: OperationDefinitionNode) -> Left:
        root = self.schema.get_root_type(node.operation)
        if root is None:
            return None, ()
        return self.selections(node.selection_set, root.name, frozenset({root.name}))

    def selections(self, node: SelectionSetNode, static: str, scope: frozenset[str]) -> Left:
        key = (id(node), static, scope)
        known = self.done.get(key)
        if known is None:
            known = self.done[key] = self._selections(node, static, scope)
        return known

    def _selections(self, node: SelectionSetNode, static: str, scope: frozenset[str]) -> Left:
        kept: list[SelectionNode] = []
        gone: dict[Place, None] = {}
        for each in node.selections:
            if self.conditions is not None and not included(each, self.conditions):
                continue
            if isinstance(each, FieldNode):
                left, paths = self._field(each, static, scope)
            else:
                left, paths = self._fragment(each, static, scope)
            if left is not None:
                kept.append(left)
            if len(gone) < MOST_PATHS:
                gone.update(dict.fromkeys(paths))
        return (SelectionSetNode(selections=tuple(kept)) if kept else None), tuple(gone)[:MOST_PATHS]

    def _field(self, node: FieldNode, static: str, scope: frozenset[str]) -> tuple[FieldNode | None, tuple[Place, ...]]:
        name = node.name.value
        if name.startswith("__"):
            return node, ()
        key = node.alias.value if node.alias else name
        if self.refuses(self.rules.of_field(static, scope, name)):
            return None, ((key,),)
        if node.selection_set is None:
            return node, ()
        kind: GraphQLOutputType = getattr(self.schema.type_map[static], "fields", {})[name].type
        below = get_named_type(kind)
        left, paths = self.selections(node.selection_set, below.name, self._possible(below))
        if not paths:
            return _field_with(node, left or _NOTHING), ()
        place = (key, *(LIST_STEP,) * str(kind).count("["))
        return (None if left is None else _field_with(node, left)), tuple((*place, *each) for each in paths)

    def _fragment(
        self, node: SelectionNode, static: str, scope: frozenset[str]
    ) -> tuple[InlineFragmentNode | None, tuple[Place, ...]]:
        fragment = fragment_of(node, self.document.fragments)
        condition = fragment.type_condition
        inner = static if condition is None else condition.name.value
        narrowed = scope & self._possible(self.schema.type_map[inner])
        if not narrowed:
            return None, ()
        left, paths = self.selections(fragment.selection_set, inner, narrowed)
        if left is None:
            return None, paths
        return InlineFragmentNode(type_condition=condition, directives=node.directives, selection_set=left), paths

    def _possible(self, kind: GraphQLNamedType) -> frozenset[str]:
        if isinstance(kind, GraphQLObjectType):
            return frozenset({kind.name})
        if isinstance(kind, GraphQLAbstractType):
            return frozenset(each.name for each in self.schema.get_possible_types(kind)) or frozenset({kind.name})
        return frozenset()


def _field_with(node: FieldNode, selections: SelectionSetNode) -> FieldNode:
    return FieldNode(
        alias=node.alias,
        name=node.name,
        arguments=node.arguments,
        directives=node.directives,
        selection_set=selections,
    )


def _with_selections(node: OperationDefinitionNode, selections: SelectionSetNode) -> OperationDefinitionNode:
    return OperationDefinitionNode(
        operation=node.operation,
        name=node.name,
        variable_definitions=node.variable_definitions,
        directives=node.directives,
        selection_set=selections,
    )
