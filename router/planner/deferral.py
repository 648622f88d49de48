"""`@defer`: which fragments of a document are put off, and by what name their passes know them.

Each fragment that bears the directive has a number, by the order in the document. What stands inside several of them,
one within the other, is told by all their numbers, the outermost first: a **usage**. The empty usage is what is not
deferred at all. A field that several fragments ask for is delivered once, for all their usages together: its **group**.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    VariableNode,
)
from graphql.language import BooleanValueNode, NullValueNode

from router.planner.errors import PlanBudgetError

DEFER = "defer"
Usage: TypeAlias = tuple[int, ...]
Deferred: TypeAlias = frozenset[Usage]
AT_ONCE: Usage = ()
MOST_USAGES = 256
"""How many usages an operation may have: fragments within fragments multiply them."""
NOT_DEFERRED: Deferred = frozenset()


@dataclass(frozen=True, slots=True)
class Deferral:
    """One `@defer`: its number, its label, and the variable that its `if` reads, or its value."""

    number: int
    label: str | None
    condition: str | bool

    def is_active(self, conditions: Mapping[str, bool]) -> bool:
        """Whether it holds; without a value for its variable it does, as by default."""
        return self.condition if isinstance(self.condition, bool) else conditions.get(self.condition, True)


class Deferrals:
    """The fragments of a document that are deferred under some values of its conditions."""

    def __init__(self, document: DocumentNode, conditions: Mapping[str, bool]) -> None:
        found = enumerate(_deferring(document))
        named = ((node, _read(number, directive)) for number, (node, directive) in found)
        self.conditions = conditions
        self._usages: set[Usage] = set()
        self._active = {id(node): deferral for node, deferral in named if deferral.is_active(conditions)}

    def __bool__(self) -> bool:
        return bool(self._active)

    def within(self, usage: Usage, node: InlineFragmentNode | FragmentSpreadNode) -> Usage:
        """Return the usage inside a fragment that stands in another.

        Raises:
            PlanBudgetError: There are too many.
        """
        deferral = self._active.get(id(node))
        if deferral is None:
            return usage
        inner = (*usage, deferral.number)
        self._usages.add(inner)
        if len(self._usages) > MOST_USAGES:
            raise PlanBudgetError(f"the operation is deferred in more than {MOST_USAGES} parts")
        return inner

    def labels(self) -> Mapping[int, str | None]:
        """Return the label of each fragment, by its number."""
        return {deferral.number: deferral.label for deferral in self._active.values()}


def defer_variables(document: DocumentNode) -> frozenset[str] | None:
    """Return the variables that the `@defer`s of a document read; None where it has none of them."""
    found = [_read(number, directive) for number, (_node, directive) in enumerate(_deferring(document))]
    return frozenset(each.condition for each in found if isinstance(each.condition, str)) if found else None


def group_of(usages: Iterable[Usage]) -> Deferred:
    """Return the group of a field that is asked for under some usages: none that is inside another counts."""
    distinct = frozenset(usages)
    if AT_ONCE in distinct:
        return NOT_DEFERRED
    return frozenset(usage for usage in distinct if not any(usage[:size] in distinct for size in range(len(usage))))


def _deferring(document: DocumentNode) -> Iterator[tuple[InlineFragmentNode | FragmentSpreadNode, DirectiveNode]]:
    pending: list[SelectionSetNode] = [
        node.selection_set
        for node in reversed(document.definitions)
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    while pending:
        for node in pending.pop().selections:
            if isinstance(node, InlineFragmentNode | FragmentSpreadNode):
                yield from ((node, each) for each in node.directives or () if each.name.value == DEFER)
            if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
                pending.append(node.selection_set)


def _read(number: int, directive: DirectiveNode) -> Deferral:
    label: str | None = None
    condition: str | bool = True
    for argument in directive.arguments or ():
        match argument.name.value, argument.value:
            case "label", StringValueNode() as value:
                label = value.value
            case "if", VariableNode() as value:
                condition = value.name.value
            case "if", BooleanValueNode() as value:
                condition = value.value
            case "if", NullValueNode():
                condition = True
            case _:
                continue
    return Deferral(number, label, condition)


NO_DEFERRALS = Deferrals(DocumentNode(definitions=()), {})
"""What a document without the directive has."""
