"""`@defer` and `@stream`: what of a document is put off, and by what name its passes know that.

Each fragment that bears `@defer` has a number, by the order in the document, and so has each list that bears `@stream`.
What stands inside several of them, one within the other, is told by all their numbers, the outermost first: a
**usage**. The empty usage is what is not deferred at all. A field that several fragments ask for is delivered once, for
all their usages together: its **group**.

The first items of a list come with the list itself, and only the others have its number in their usage. So selections
inside it are collected with the number, and whoever plans or makes the first items takes it out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from graphql.language import BooleanValueNode

from router.planner.errors import PlanBudgetError

DEFER = "defer"
STREAM = "stream"
Usage: TypeAlias = tuple[int, ...]
Deferred: TypeAlias = frozenset[Usage]
AT_ONCE: Usage = ()
MOST_USAGES = 256
"""How many usages an operation may have: fragments within fragments multiply them."""
NOT_DEFERRED: Deferred = frozenset()
_Deferring: TypeAlias = InlineFragmentNode | FragmentSpreadNode | FieldNode


@dataclass(frozen=True, slots=True)
class Deferral:
    """One `@defer` or `@stream`: its number, its label, and the variable that its `if` reads, or its value.

    `first` is how many items of a list come with it, or the variable that tells.
    """

    number: int
    label: str | None
    condition: str | bool
    first: str | int = 0

    @property
    def variables(self) -> frozenset[str]:
        """The variables that it reads."""
        return frozenset(each for each in (self.condition, self.first) if isinstance(each, str))

    def is_active(self, conditions: Mapping[str, bool]) -> bool:
        """Whether it holds; without a value for its variable it does, as by default."""
        return self.condition if isinstance(self.condition, bool) else conditions.get(self.condition, True)


@dataclass(frozen=True, slots=True)
class Streaming:
    """A list whose items come one after another, apart from the first ones.

    `usage` is that of the list; the items that come later have the number besides.
    """

    number: int
    first: int
    usage: Usage

    @property
    def later(self) -> Usage:
        """The usage of the items that come later."""
        return (*self.usage, self.number)


class Deferrals:
    """What of a document is deferred under some values of its variables.

    Args:
        document: the document.
        conditions: the values of Boolean variables.
        counts: the values of variables that tell how many items come first.
        streamed: the numbers of the lists that are streamed; None for all.
    """

    def __init__(
        self,
        document: DocumentNode,
        conditions: Mapping[str, bool],
        counts: Mapping[str, Any] | None = None,
        streamed: frozenset[int] | None = None,
    ) -> None:
        self.conditions = conditions
        self._usages: set[Usage] = set()
        self._fragments: dict[int, Deferral] = {}
        self._lists: dict[int, tuple[int, int]] = {}
        self._labels: dict[int, str | None] = {}
        self.lists: frozenset[int]
        """The numbers of the lists that are streamed."""
        numbers: dict[tuple[str, int, str | None], int] = {}
        for node, deferral in _read_all(document):
            if not deferral.is_active(conditions):
                continue
            if isinstance(node, FieldNode):
                first = deferral.first if isinstance(deferral.first, int) else (counts or {}).get(deferral.first) or 0
                same = ((node.alias or node.name).value, first, deferral.label)
                number = numbers.setdefault(same, deferral.number)
                if streamed is None or number in streamed:
                    self._lists[id(node)] = number, first
                    self._labels[number] = deferral.label
            else:
                self._fragments[id(node)] = deferral
                self._labels[deferral.number] = deferral.label
        self.lists = frozenset(number for number, _first in self._lists.values())

    def __bool__(self) -> bool:
        return bool(self._fragments or self._lists)

    def within(self, usage: Usage, node: InlineFragmentNode | FragmentSpreadNode) -> Usage:
        """Return the usage inside a fragment that stands in another.

        Raises:
            PlanBudgetError: There are too many.
        """
        deferral = self._fragments.get(id(node))
        return usage if deferral is None else self._noted((*usage, deferral.number))

    def streaming(self, asked: Sequence[tuple[FieldNode, Usage]]) -> Streaming | None:
        """Return how a list is streamed that some fields ask for; it is if they agree."""
        if not self._lists:
            return None
        found = {(self._lists.get(id(node)), usage) for node, usage in asked}
        known, usage = found.pop()
        if found or known is None:
            return None
        streaming = Streaming(*known, usage)
        self._noted(streaming.later)
        return streaming

    def apart(self, usage: Usage) -> Usage:
        """Return a usage apart from the lists."""
        return tuple(number for number in usage if number not in self.lists) if self.lists else usage

    def labels(self) -> Mapping[int, str | None]:
        """Return the label of each fragment and list, by its number."""
        return self._labels

    def _noted(self, usage: Usage) -> Usage:
        self._usages.add(usage)
        if len(self._usages) > MOST_USAGES:
            raise PlanBudgetError(f"the operation is deferred in more than {MOST_USAGES} parts")
        return usage


def defer_variables(document: DocumentNode) -> frozenset[str] | None:
    """Return the variables that the `@defer`s and `@stream`s of a document read; None where it has none of them."""
    found = [deferral.variables for _node, deferral in _read_all(document)]
    return frozenset().union(*found) if found else None


def count_variables(document: DocumentNode) -> frozenset[str]:
    """Return the variables that tell how many items of a list come first."""
    return frozenset(each.first for _node, each in _read_all(document) if isinstance(each.first, str))


def group_of(usages: Iterable[Usage]) -> Deferred:
    """Return the group of a field that is asked for under some usages: none that is inside another counts."""
    distinct = frozenset(usages)
    if AT_ONCE in distinct:
        return NOT_DEFERRED
    return frozenset(usage for usage in distinct if not any(usage[:size] in distinct for size in range(len(usage))))


def _read_all(document: DocumentNode) -> Iterator[tuple[_Deferring, Deferral]]:
    for number, (node, directive) in enumerate(_deferring(document)):
        yield node, _read(number, directive)


def _deferring(document: DocumentNode) -> Iterator[tuple[_Deferring, DirectiveNode]]:
    pending: list[SelectionSetNode] = [
        node.selection_set
        for node in reversed(document.definitions)
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    while pending:
        for node in pending.pop().selections:
            if isinstance(node, InlineFragmentNode | FragmentSpreadNode | FieldNode):
                name = STREAM if isinstance(node, FieldNode) else DEFER
                yield from ((node, each) for each in node.directives or () if each.name.value == name)
            if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
                pending.append(node.selection_set)


def _read(number: int, directive: DirectiveNode) -> Deferral:
    given = {argument.name.value: argument.value for argument in directive.arguments or ()}
    label = given.get("label")
    return Deferral(
        number,
        label.value if isinstance(label, StringValueNode) else None,
        _condition(given.get("if")),
        _first(given.get("initialCount")),
    )


def _condition(value: ValueNode | None) -> str | bool:
    match value:
        case VariableNode():
            return value.name.value
        case BooleanValueNode():
            return value.value
        case _:
            return True


def _first(value: ValueNode | None) -> str | int:
    match value:
        case VariableNode():
            return value.name.value
        case IntValueNode():
            return int(value.value)
        case _:
            return 0


NO_DEFERRALS = Deferrals(DocumentNode(definitions=()), {})
"""What a document without the directives has."""
