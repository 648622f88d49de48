"""Random operations with parts of them deferred, and the whole put together again from the payloads."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    ConstArgumentNode,
    ConstDirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NameNode,
    SelectionSetNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_nullable_type,
    is_list_type,
    parse,
    print_ast,
    validate,
    visit,
)

from router.execution.payloads import Payload


class Deferring(Visitor):
    """Puts `@defer` on some fragments, and some fields into deferred fragments."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.count = 0

    def directive(self) -> ConstDirectiveNode:
        """Return a `@defer`, with a label or without."""
        self.count += 1
        label = ConstArgumentNode(name=NameNode(value="label"), value=StringValueNode(value=f"part {self.count}"))
        arguments = (label,) if self.random.random() < 0.5 else ()
        return ConstDirectiveNode(name=NameNode(value="defer"), arguments=arguments)

    def leave_selection_set(self, node: SelectionSetNode, *_args: Any) -> SelectionSetNode:
        return SelectionSetNode(selections=tuple(map(self.deferred, node.selections)))

    def deferred(self, node: Any) -> Any:
        """Return a selection, deferred or not."""
        if self.random.random() > 0.3:
            return node
        if isinstance(node, FieldNode):
            inner = SelectionSetNode(selections=(node,))
            return InlineFragmentNode(type_condition=None, directives=(self.directive(),), selection_set=inner)
        directives = (*(node.directives or ()), self.directive())
        if isinstance(node, FragmentSpreadNode):
            return FragmentSpreadNode(name=node.name, directives=directives)
        return InlineFragmentNode(
            type_condition=node.type_condition, directives=directives, selection_set=node.selection_set
        )


def deferring(query: str, seed: int) -> str:
    """Return an operation that asks for the same, parts of it later."""
    return print_ast(visit(parse(query), Deferring(seed)))


class Streaming(Visitor):
    """Puts `@stream` on some lists."""

    def __init__(self, seed: int, types: TypeInfo) -> None:
        super().__init__()
        self.random = random.Random(f"streams {seed}")
        self.types = types

    def enter_field(self, node: FieldNode, *_args: Any) -> FieldNode | None:
        kind = self.types.get_type()
        if not is_list_type(get_nullable_type(kind)) or self.random.random() > 0.6:
            return None
        count = ConstArgumentNode(
            name=NameNode(value="initialCount"), value=IntValueNode(value=str(self.random.choice([0, 1, 1, 2, 5])))
        )
        stream = ConstDirectiveNode(name=NameNode(value="stream"), arguments=(count,))
        return FieldNode(
            alias=node.alias,
            name=node.name,
            arguments=node.arguments,
            directives=(*(node.directives or ()), stream),
            selection_set=node.selection_set,
        )


def streaming(schema: GraphQLSchema, query: str, seed: int) -> str:
    """Return an operation that asks for the same, and for some lists bit by bit; one that is valid."""
    types = TypeInfo(schema)
    made = visit(parse(query), TypeInfoVisitor(types, Streaming(seed, types)))
    return query if validate(schema, made) else print_ast(made)


class Merging:
    """Puts an answer together, and holds the payloads to the rules of their protocol."""

    def __init__(self) -> None:
        self.data: Any = None
        self.errors: list[Any] = []
        self.open: dict[str, tuple[Any, ...]] = {}
        self.is_over = False

    def take(self, payload: Mapping[str, Any]) -> None:
        """Take one payload in the format of the specification."""
        assert not self.is_over
        if "data" in payload:
            self.data = payload["data"]
        self.errors += payload.get("errors", ())
        for pending in payload.get("pending", ()):
            assert pending["id"] not in self.open
            self.open[pending["id"]] = tuple(pending["path"])
        for added in payload.get("incremental", ()):
            self.errors += added.get("errors", ())
            target = self.at((*self.open[added["id"]], *added.get("subPath", ())))
            if "items" in added:
                target += added["items"]
                continue
            assert not target.keys() & added["data"].keys()
            target.update(added["data"])
        for pending in payload.get("pending", ()):
            assert isinstance(self.at(pending["path"]), dict | list)
        for completed in payload.get("completed", ()):
            self.errors += completed.get("errors", ())
            del self.open[completed["id"]]
        self.is_over = not payload["hasNext"]
        assert not (self.is_over and self.open)

    def at(self, path: Iterable[Any]) -> Any:
        """Return what was delivered at a path."""
        value = self.data
        for step in path:
            value = value[step]
        return value


def merged_2022(payloads: Iterable[Payload]) -> Any:
    """Put an answer together from the payloads in the format of 2022."""
    data: Any = None
    for payload in (each.as_dict_2022() for each in payloads):
        data = payload.get("data", data)
        for added in payload.get("incremental", ()):
            target = data
            for step in added["path"][: -1 if "items" in added else None]:
                target = target[step]
            if "items" in added:
                assert added["path"][-1] == len(target)
                target += added["items"] or ()
            else:
                target.update(added["data"] or {})
    return data
