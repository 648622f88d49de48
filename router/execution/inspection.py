"""Saying what was wrong with a working tree that only the careful code could read.

A value of the wrong kind becomes null in the answer; the client should see that this null was not the subgraph's word.
What is merely missing is passed over: the error of the fetch that did not deliver it says enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.execution.compiler.shape import Composite, Items, Leaf, Position, ValueField
from router.execution.exchange import GraphQLErrorDict

CODE = "RESPONSE_VALIDATION_FAILED"


def mismatches(shape: Composite, root: Any) -> Iterator[GraphQLErrorDict]:
    """Find the values that are not of the kind that the schema says, each as an error."""
    yield from _composite(shape, root, ())


def _composite(shape: Composite, value: Any, path: tuple[str | int, ...]) -> Iterator[GraphQLErrorDict]:
    if type(value) is not dict:
        yield _error("an object", value, path)
        return
    name = value.get("__typename")
    for variant in shape.variants:
        if not shape.abstract or name in variant.types:
            for answer in variant.fields:
                if isinstance(answer, ValueField) and value.get(answer.key) is not None:
                    yield from _position(answer.position, value[answer.key], (*path, answer.key))


def _position(position: Position, value: Any, path: tuple[str | int, ...]) -> Iterator[GraphQLErrorDict]:
    content = position.content
    if isinstance(content, Items):
        if type(value) is not list:
            yield _error("a list", value, path)
            return
        for index, item in enumerate(value):
            if item is not None:
                yield from _position(content.item, item, (*path, index))
    elif isinstance(content, Composite):
        yield from _composite(content, value, path)
    elif isinstance(content, Leaf) and content.values is not None and type(value) is not str:
        yield _error("the name of an enum value", value, path)


def _error(expected: str, value: Any, path: tuple[str | int, ...]) -> GraphQLErrorDict:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    found = kinds.get(type(value), "a number")
    error: GraphQLErrorDict = {"message": f"A subgraph sent {found} where {expected} is expected."}
    if path:
        error["path"] = list(path)
    return error | {"extensions": {"code": CODE}}
