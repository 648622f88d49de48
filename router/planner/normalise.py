"""Pass 1: an operation, and each field set of the supergraph, becomes a selection in normal form.

Work is shared: the same selection sets met at the same type are normalised once, however often fragments repeat them,
so fragment bombs and cycles cost no more than what they are written with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    parse,
    print_ast,
)
from graphql.language import BooleanValueNode

from router.planner.deferral import AT_ONCE, NO_DEFERRALS, Deferrals, Usage, group_of
from router.planner.errors import OperationError
from router.planner.plan import OperationKind
from router.planner.selection import TYPENAME, TYPENAME_FIELD, Field, Group, Selection
from router.planner.values import write_arguments, write_value
from router.supergraph import Supergraph, Type
from router.supergraph.types import named_type

_Asking = tuple[FieldNode, Usage]
_Fields = dict[str, list[_Asking]]
_Set = tuple[SelectionSetNode, Usage]
_Sets = tuple[_Set, ...]
_CONDITIONS = ("skip", "include")
_INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One variant of an operation in normal form.

    `variables` leads from the name of each variable to its definition as text.
    """

    kind: OperationKind
    name: str | None
    selection: Selection
    variables: Mapping[str, str]
    deferrals: Deferrals = NO_DEFERRALS

    def dump(self) -> str:
        """Write the operation as text."""
        return "\n".join([self.kind, *self.selection.lines("  ")])


def find_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Return the operation of a document that a name (or its being the only one) picks.

    Raises:
        OperationError: There is no such operation.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        operations = [node for node in operations if node.name is not None and node.name.value == name]
    if len(operations) == 1:
        return operations[0]
    if name is not None:
        raise OperationError(f'the document has no operation "{name}"')
    raise OperationError("the document has several operations, so one must be named" if operations else "no operation")


def condition_variables(document: DocumentNode, name: str | None) -> tuple[str, ...]:
    """Return the variables that decide on `@skip` and `@include` in an operation, in order of their names."""
    fragments = _fragments(document)
    found: set[str] = set()
    seen: set[str] = set()
    pending = [find_operation(document, name).selection_set]
    while pending:
        for node in pending.pop().selections:
            found.update(_condition_variables(node.directives))
            if isinstance(node, FragmentSpreadNode):
                fragment = fragments.get(node.name.value)
                if fragment is not None and node.name.value not in seen:
                    seen.add(node.name.value)
                    pending.append(fragment.selection_set)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
                pending.append(node.selection_set)
    return tuple(sorted(found))


def normalise_operation(
    supergraph: Supergraph,
    document: DocumentNode,
    name: str | None,
    conditions: Mapping[str, bool],
    deferrals: Deferrals = NO_DEFERRALS,
) -> Operation:
    """Bring one variant of an operation into normal form, without introspection at its root.

    What `deferrals` has is marked as deferred.

    Raises:
        OperationError: There is no such operation, or a condition's variable has no value.
    """
    node = find_operation(document, name)
    kind: OperationKind = node.operation.value
    root = supergraph.roots.get(kind)
    if root is None:
        raise OperationError(f"the supergraph has no {kind} type")
    public = supergraph.api_schema.type_map
    collector = Collector(
        supergraph, lambda candidate: candidate in public, _fragments(document), conditions, deferrals=deferrals
    )
    selection = collector.collect(root, ((node.selection_set, AT_ONCE),))
    return Operation(
        kind=kind,
        name=None if node.name is None else node.name.value,
        selection=Selection(root, tuple(f for f in selection.fields if not f.name.startswith("__"))),
        variables={
            definition.variable.name.value: _write_definition(definition)
            for definition in node.variable_definitions or ()
        },
        deferrals=deferrals,
    )


def normalise_field_set(supergraph: Supergraph, type_name: str, text: str) -> Selection:
    """Bring a field set of a key, a requirement or a promise into normal form."""
    text = text.strip()
    document = parse(text if text.startswith("{") else f"{{{text}}}", no_location=True)
    node = find_operation(document, None)
    collector = Collector(supergraph, lambda _name: True, {}, {}, names_types=True)
    selection = collector.collect(type_name, ((node.selection_set, AT_ONCE),))
    fields = tuple(field for field in selection.fields if field is not TYPENAME_FIELD)
    return Selection(type_name, fields, selection.groups)


class Collector:
    """Collects selection sets into normal form.

    `__typename` is taken only from abstract types, where it or fields that depend on it are asked for; with
    `names_types` it is always, as a subgraph that is sent objects needs to know. Elsewhere the router knows the answer.
    """

    def __init__(
        self,
        supergraph: Supergraph,
        is_visible: Callable[[str], bool],
        fragments: Mapping[str, FragmentDefinitionNode],
        conditions: Mapping[str, bool],
        *,
        names_types: bool = False,
        deferrals: Deferrals = NO_DEFERRALS,
    ) -> None:
        self._names_types = names_types
        self._deferrals = deferrals
        self._types = supergraph.types
        self._supergraph = supergraph
        self._is_visible = is_visible
        self._fragments = fragments
        self._conditions = conditions
        self._done: dict[tuple[str, _Key], Selection] = {}
        self._possible: dict[str, frozenset[str]] = {}

    def collect(self, type_name: str, sets: _Sets) -> Selection:
        """Return what some selection sets together ask of a value of a composite type."""
        key = (type_name, tuple((id(node), usage) for node, usage in sets))
        done = self._done.get(key)
        if done is None:
            done = self._done[key] = self._collect(type_name, sets)
        return done

    def _collect(self, type_name: str, sets: _Sets) -> Selection:
        found = _Found(self.possible(type_name))
        for node, usage in sets:
            self._visit((node, usage), type_name, None, found)
        type_ = self._types[type_name]
        groups = (
            Group(name, Selection(name, fields))
            for name, nodes in found.narrowed.items()
            if (fields := tuple(self._added_fields(self._types[name], nodes, found.common)))
        )
        fields = [self._field(type_, key, nodes) for key, nodes in found.common.items()]
        if type_.is_abstract and (self._names_types or found.asks_type or found.narrowed or self._deferrals):
            fields.append(TYPENAME_FIELD)
        return Selection(type_name, tuple(fields), tuple(groups))

    def possible(self, type_name: str) -> frozenset[str]:
        """Return the object types that a value of a type may have."""
        names = self._possible.get(type_name)
        if names is None:
            names = frozenset(filter(self._is_visible, self._supergraph.possible_types(type_name)))
            self._possible[type_name] = names
        return names

    def _visit(self, asked: _Set, type_name: str, scope: frozenset[str] | None, found: _Found) -> None:
        if not found.enter(asked, scope):
            return
        node, usage = asked
        for selection in node.selections:
            if not self._is_included(selection.directives):
                continue
            if isinstance(selection, FieldNode):
                if selection.name.value not in _INTROSPECTION:
                    found.add((selection, usage), scope)
                continue
            condition, inner = self._fragment(selection)
            if inner is None:
                continue
            inner_scope = self._narrow(type_name, condition, scope, found)
            if inner_scope is None or inner_scope:
                self._visit((inner, self._usage(usage, selection)), type_name, inner_scope, found)

    def _usage(self, usage: Usage, node: object) -> Usage:
        """Return the usage inside a fragment."""
        if self._deferrals and isinstance(node, InlineFragmentNode | FragmentSpreadNode):
            return self._deferrals.within(usage, node)
        return usage

    def _fragment(self, node: object) -> tuple[str | None, SelectionSetNode | None]:
        if isinstance(node, InlineFragmentNode):
            return (node.type_condition.name.value if node.type_condition else None), node.selection_set
        if isinstance(node, FragmentSpreadNode) and (fragment := self._fragments.get(node.name.value)):
            return fragment.type_condition.name.value, fragment.selection_set
        return None, None

    def _narrow(
        self, type_name: str, condition: str | None, scope: frozenset[str] | None, found: _Found
    ) -> frozenset[str] | None:
        if condition is None or condition == type_name:
            return scope
        possible = self.possible(condition)
        if scope is not None:
            return scope & possible
        if found.possible <= possible and self._has_fields_of(type_name, condition):
            return None
        return found.possible & possible

    def _has_fields_of(self, type_name: str, condition: str) -> bool:
        type_ = self._types[type_name]
        return not type_.is_abstract or any(condition in names for names in type_.interfaces.values())

    def _added_fields(self, type_: Type, nodes: _Fields, common: _Fields) -> Iterator[Field]:
        """Yield the fields of a group, without what is asked of all objects anyway."""
        for key, group in nodes.items():
            added = [asking for asking in group if not any(_covers(known, asking) for known in common.get(key, ()))]
            if added:
                yield self._field(type_, key, added)

    def _field(self, type_: Type, key: str, nodes: Sequence[_Asking]) -> Field:
        first, _usage = nodes[0]
        name = first.name.value
        used: set[str] = set()
        arguments = write_arguments(first.arguments or (), used)
        selection = None
        streaming = self._deferrals.streaming(nodes)
        if sets := _distinct_sets(nodes if streaming is None else [(node, streaming.later) for node, _usage in nodes]):
            selection = self.collect(named_type(type_.fields[name].type), sets)
        group = group_of(self._deferrals.apart(usage) for _node, usage in nodes)
        return Field(key, name, arguments, frozenset(used), selection, group, streaming)

    def _is_included(self, directives: Sequence[DirectiveNode] | None) -> bool:
        for directive in directives or ():
            if directive.name.value in _CONDITIONS and self._value(directive) == (directive.name.value == "skip"):
                return False
        return True

    def _value(self, directive: DirectiveNode) -> bool:
        value = next((argument.value for argument in directive.arguments or ()), None)
        if isinstance(value, BooleanValueNode):
            return value.value
        if isinstance(value, VariableNode) and value.name.value in self._conditions:
            return self._conditions[value.name.value]
        raise OperationError(f"@{directive.name.value} needs a Boolean")


_Key = tuple[tuple[int, Usage], ...]


class _Found:
    """The field nodes met at one type, for all objects or for those of one type, by response key."""

    def __init__(self, possible: frozenset[str]) -> None:
        self.possible = possible
        self.asks_type = False
        self.common: _Fields = {}
        self.narrowed: dict[str, _Fields] = {}
        self._seen: set[tuple[int, Usage, frozenset[str] | None]] = set()

    def enter(self, asked: _Set, scope: frozenset[str] | None) -> bool:
        """Whether a selection set is met for the first time in this scope."""
        node, usage = asked
        place = (id(node), usage, scope)
        if place in self._seen:
            return False
        self._seen.add(place)
        return True

    def add(self, asking: _Asking, scope: frozenset[str] | None) -> None:
        """Take in a field."""
        node, _usage = asking
        key = (node.alias or node.name).value
        if node.name.value == TYPENAME:
            self.asks_type = True
        elif key == TYPENAME:
            raise OperationError(f'"{TYPENAME}" cannot be the alias of another field')
        elif scope is None:
            self.common.setdefault(key, []).append(asking)
        else:
            for name in sorted(scope):
                self.narrowed.setdefault(name, {}).setdefault(key, []).append(asking)


def _covers(known: _Asking, asking: _Asking) -> bool:
    """Whether a field is asked for anyway, and no later."""
    (node, usage), (other, other_usage) = known, asking
    is_same = other.selection_set is None or node.selection_set is other.selection_set
    return is_same and other_usage[: len(usage)] == usage


def _distinct_sets(nodes: Sequence[_Asking]) -> _Sets:
    sets = {(id(node.selection_set), usage): (node.selection_set, usage) for node, usage in nodes}
    return tuple((node, usage) for node, usage in sets.values() if node is not None)


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _condition_variables(directives: Sequence[DirectiveNode] | None) -> Iterator[str]:
    for directive in directives or ():
        if directive.name.value in _CONDITIONS:
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value


def _write_definition(node: VariableDefinitionNode) -> str:
    default = "" if node.default_value is None else f" = {write_value(node.default_value, set())}"
    return f"${node.variable.name.value}: {print_ast(node.type)}{default}"
