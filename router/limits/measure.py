"""How large an operation is, told once from its document. The counts are those of Apollo's router."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from graphql import (
    FieldNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
)

from router.execution.documents import Document
from router.execution.selections import fragment_of
from router.limits.settings import LimitSettings


@dataclass(frozen=True, slots=True)
class Excess:
    """A bound that an operation goes beyond.

    Attributes:
        code: of the error.
        message: for the client.
        found: what was counted.
        bound: how much may be.
    """

    code: str
    message: str
    found: int
    bound: int


@dataclass(frozen=True, slots=True)
class Size:
    """What was counted; fragments are counted wherever they are spread."""

    depth: int = 0
    height: int = 0
    aliases: int = 0
    root_fields: int = 0
    directives: int = 0
    list_items: int = 0


_WHAT: Final = {
    "depth": "depth",
    "height": "height (field count)",
    "aliases": "aliases",
    "root_fields": "root fields",
    "directives": "directives",
    "list_items": "list size",
}


def measure(document: Document, name: str | None) -> Size:
    """Count what an operation holds."""
    operation = document.operation(name)
    own = _arguments_and_directives(operation)
    return _add(_Measure(document).selections(operation.selection_set), own)


def excesses(size: Size, settings: LimitSettings) -> Iterator[Excess]:
    """Yield the bounds that an operation goes beyond."""
    for name, what in _WHAT.items():
        bound, found = getattr(settings, f"max_{name}"), getattr(size, name)
        if bound is not None and found > bound:
            yield excess(name, what, found, bound)


def excess(name: str, what: str, found: int, bound: int) -> Excess:
    """Return what is said of a bound."""
    code = "MAX_LIST_SIZE_LIMIT" if name == "list_items" else f"MAX_{name.upper()}_LIMIT"
    return Excess(code, f"Maximum {what} limit exceeded in this operation", found, bound)


@dataclass(slots=True)
class _Measure:
    """Counts selection sets; each fragment once, however often it is spread."""

    document: Document
    known: dict[str, Size] = field(default_factory=dict)

    def selections(self, node: SelectionSetNode) -> Size:
        size = Size()
        seen: set[str] = set()
        for each in node.selections:
            if isinstance(each, FieldNode):
                size = _add(size, self._field(each, first=each.name.value not in seen))
                seen.add(each.name.value)
            else:
                size = _add(size, self._fragment(each))
        return size

    def _field(self, node: FieldNode, *, first: bool) -> Size:
        below = self.selections(node.selection_set) if node.selection_set else Size()
        own = _arguments_and_directives(node)
        return Size(
            depth=below.depth + 1,
            height=below.height + first,
            aliases=below.aliases + (node.alias is not None and not first),
            root_fields=1,
            directives=below.directives + own.directives,
            list_items=max(below.list_items, own.list_items),
        )

    def _fragment(self, node: SelectionNode) -> Size:
        fragment = fragment_of(node, self.document.fragments)
        name = getattr(getattr(fragment, "name", None), "value", None)
        size = self.known.get(name) if name else None
        if size is None:
            size = self.selections(fragment.selection_set)
            if name:
                self.known[name] = size
        return _add(size, Size(directives=len(node.directives or ())))


def _add(one: Size, other: Size) -> Size:
    return Size(
        depth=max(one.depth, other.depth),
        height=one.height + other.height,
        aliases=one.aliases + other.aliases,
        root_fields=one.root_fields + other.root_fields,
        directives=one.directives + other.directives,
        list_items=max(one.list_items, other.list_items),
    )


def _arguments_and_directives(node: FieldNode | OperationDefinitionNode) -> Size:
    directives = node.directives or ()
    values = [each.value for each in getattr(node, "arguments", None) or ()]
    values += [each.default_value for each in getattr(node, "variable_definitions", None) or () if each.default_value]
    values += [argument.value for each in directives for argument in each.arguments or ()]
    return Size(directives=len(directives), list_items=_longest_list(values))


def _longest_list(values: Iterable[ValueNode]) -> int:
    longest = 0
    pending: list[Node] = list(values)
    while pending:
        value = pending.pop()
        if isinstance(value, ListValueNode):
            longest = max(longest, len(value.values))
            pending.extend(value.values)
        elif isinstance(value, ObjectValueNode):
            pending.extend(each.value for each in value.fields)
    return longest
