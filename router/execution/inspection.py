"""Saying what was wrong with a working tree that only the careful code could read.

A value of the wrong kind becomes null in the answer; the client should see that this null was not the subgraph's word.
What is merely missing is passed over where an error of a fetch says enough; otherwise each value that must not be null
has an error of its own, as the specification demands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from router.execution.compiler.shape import Composite, Items, Position, ValueField
from router.execution.exchange import GraphQLErrorDict

CODE = "RESPONSE_VALIDATION_FAILED"

_Path: TypeAlias = tuple[str | int, ...]


def mismatches(shape: Composite, root: Any, *, explained: bool) -> Iterator[GraphQLErrorDict]:
    """Find the values that are not as the schema says, each as an error.

    Args:
        shape: what the client asked for.
        root: the working tree.
        explained: whether other errors say already why values are missing.
    """
    yield from _Inspection(explained).composite(shape, root, (), nullable=True)


@dataclass(frozen=True, slots=True)
class _Inspection:
    """A walk through a working tree."""

    explained: bool

    def composite(self, shape: Composite, value: Any, path: _Path, *, nullable: bool) -> Iterator[GraphQLErrorDict]:
        if type(value) is not dict:
            yield _mismatch("an object", value, path)
            return
        name = value.get("__typename")
        if name is not None and type(name) is not str:
            yield _mismatch("the name of a type", name, (*path, "__typename"))
            return
        # As the answer is made: where the type makes no difference, it may be missing or be the interface's own.
        any_type = not shape.abstract or (not shape.needs_type and name in {None, shape.name})
        variants = [each for each in shape.variants if any_type or name in each.types]
        if not variants and (name is not None or shape.needs_type) and not nullable and not self.explained:
            yield _error("A subgraph sent an object of no type that may be here.", path)
        for variant in variants:
            for answer in variant.fields:
                if isinstance(answer, ValueField):
                    yield from self.position(answer.position, value.get(answer.key), (*path, answer.key))

    def position(self, position: Position, value: Any, path: _Path) -> Iterator[GraphQLErrorDict]:
        content = position.content
        if value is None:
            if not position.nullable and not self.explained:
                yield _error("A subgraph sent nothing where something must be.", path)
        elif isinstance(content, Items):
            if type(value) is not list:
                yield _mismatch("a list", value, path)
                return
            for index, item in enumerate(value[content.start : content.stop], content.start):
                yield from self.position(content.item, item, (*path, index))
        elif isinstance(content, Composite):
            yield from self.composite(content, value, path, nullable=position.nullable)
        elif content.values is not None and type(value) is not str:
            yield _mismatch("the name of an enum value", value, path)
        elif (
            content.values is not None and value not in content.values and not position.nullable and not self.explained
        ):
            yield _error("A subgraph sent a value that the enum does not have.", path)


def _mismatch(expected: str, value: Any, path: _Path) -> GraphQLErrorDict:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return _error(f"A subgraph sent {kinds.get(type(value), 'a number')} where {expected} is expected.", path)


def _error(message: str, path: _Path) -> GraphQLErrorDict:
    place = {"path": list(path)} if path else {}
    return {"message": message, **place, "extensions": {"code": CODE}}
