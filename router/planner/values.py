"""Argument values as text, one spelling for each value, so that equal arguments are equal strings."""

from __future__ import annotations

import json
from collections.abc import Iterable

from graphql import (
    ArgumentNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from graphql.language import BooleanValueNode, EnumValueNode, FloatValueNode, IntValueNode


def write_arguments(nodes: Iterable[ArgumentNode], variables: set[str]) -> str:
    """Write arguments with their parentheses, in order of name; the variables met are added to `variables`."""
    written = sorted(f"{node.name.value}: {write_value(node.value, variables)}" for node in nodes)
    return f"({', '.join(written)})" if written else ""


def write_value(node: ValueNode, variables: set[str]) -> str:
    """Write a value; the variables met are added to `variables`."""
    match node:
        case VariableNode():
            variables.add(node.name.value)
            written = f"${node.name.value}"
        case StringValueNode():
            written = json.dumps(node.value, ensure_ascii=False)
        case BooleanValueNode():
            written = "true" if node.value else "false"
        case ListValueNode():
            written = f"[{', '.join(write_value(item, variables) for item in node.values)}]"
        case ObjectValueNode():
            entries = (f"{entry.name.value}: {write_value(entry.value, variables)}" for entry in node.fields)
            written = f"{{{', '.join(entries)}}}"
        case IntValueNode() | FloatValueNode() | EnumValueNode():
            written = node.value
        case _:
            written = "null"
    return written
