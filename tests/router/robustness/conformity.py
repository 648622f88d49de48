"""What the GraphQL specification says of any response, whatever was asked and whatever subgraphs answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLSchema,
    get_operation_ast,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    parse,
)

from router.execution import GraphQLResponse, Outcome


class BrokenPromiseError(AssertionError):
    """What the router must never do."""


def assess(schema: GraphQLSchema, text: str, variables: Mapping[str, Any], response: GraphQLResponse) -> None:
    """Hold a response to what the specification says of any."""
    json.loads(response.body)
    for error in response.errors:
        if not isinstance(error.get("message"), str) or "internal error" in error["message"].lower():
            raise BrokenPromiseError(f"error {error}")
    if response.outcome is not Outcome.EXECUTED:
        if not response.errors or response.outcome is Outcome.FAILED:
            raise BrokenPromiseError(f"{response}")
        return
    document = parse(text)
    operation = get_operation_ast(document)
    assert operation is not None
    root = schema.get_root_type(operation.operation)
    if response.data is None:
        if not response.errors:
            raise BrokenPromiseError("data is null without an error")
        return
    fragments = {each.name.value: each for each in document.definitions if each.kind == "fragment_definition"}
    conform(schema, root, [operation.selection_set], fragments, response.data, "data")


def conform(
    schema: GraphQLSchema, type_: Any, sets: list[Any], fragments: Mapping[str, Any], value: Any, path: str
) -> None:
    """Check that a value is of its type, in every list and object, and has no key that was not asked for."""
    if is_non_null_type(type_):
        if value is None:
            raise BrokenPromiseError(f"{path} is null")
        type_ = type_.of_type
    if value is None or is_leaf_type(type_):
        return
    if is_list_type(type_):
        if not isinstance(value, list):
            raise BrokenPromiseError(f"{path} is no list")
        for index, item in enumerate(value):
            conform(schema, type_.of_type, sets, fragments, item, f"{path}.{index}")
        return
    if not isinstance(value, dict):
        raise BrokenPromiseError(f"{path} is no object")
    asked = collect(schema, type_, sets, fragments)
    for key, each in value.items():
        if key not in asked:
            raise BrokenPromiseError(f"{path}.{key} was not asked for")
        if asked[key] is not None:
            conform(schema, asked[key][0], asked[key][1], fragments, each, f"{path}.{key}")


def collect(schema: GraphQLSchema, type_: Any, sets: list[Any], fragments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that objects below a type may have, with type and selections where they are certain."""
    found: dict[str, Any] = {}
    for node in sets:
        for selection in node.selections:
            if selection.kind == "field":
                key = (selection.alias or selection.name).value
                field = (
                    schema.get_field(type_, selection.name.value)
                    if not is_abstract_type(type_) or hasattr(type_, "fields")
                    else None
                )
                inner = [selection.selection_set] if selection.selection_set else []
                if field is None or selection.name.value.startswith("__"):
                    found.setdefault(key, None)
                elif found.get(key) is not None:
                    found[key][1].extend(inner)
                elif key not in found:
                    found[key] = (field.type, inner)
                continue
            fragment = fragments[selection.name.value] if selection.kind == "fragment_spread" else selection
            condition = schema.type_map[fragment.type_condition.name.value] if fragment.type_condition else type_
            below = collect(schema, condition, [fragment.selection_set], fragments)
            merge_keys(found, below, certain=condition is type_ and is_object_type(type_))
    return found


def merge_keys(found: dict[str, Any], below: dict[str, Any], *, certain: bool) -> None:
    """Take in the keys of a fragment; what its objects hold is only looked into where it surely applies."""
    for key, each in below.items():
        known = found.get(key, ...)
        if known is ...:
            found[key] = each if certain else None
        elif known is not None and each is not None and certain:
            known[1].extend(each[1])
        elif known is not None:
            found[key] = None
