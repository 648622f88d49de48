"""Constant values of the schema language: defaults and directive arguments.

They become plain Python values, so that equality is Python's; only enum values need a type of their own to be told from
strings, and booleans must not equal numbers.
"""

from __future__ import annotations

import json
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

Value = Any


class EnumName(str):
    """The bare name of an enum value, which is not a string."""

    __slots__ = ()


class Unset:
    """The type of :data:`UNSET`."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()
"""Says that there is no default, which differs from a default of null."""


class VariableError(ValueError):
    """A variable stands where only constants may."""


def value_of(node: ValueNode) -> Value:  # noqa: PLR0911 - one return per kind of value
    """Return the Python value of a constant."""
    if isinstance(node, EnumValueNode):
        return EnumName(node.value)
    if isinstance(node, StringValueNode | BooleanValueNode):
        return node.value
    if isinstance(node, IntValueNode):
        return int(node.value)
    if isinstance(node, FloatValueNode):
        return float(node.value)
    if isinstance(node, NullValueNode):
        return None
    if isinstance(node, ListValueNode):
        return [value_of(item) for item in node.values]
    if isinstance(node, ObjectValueNode):
        return {field.name.value: value_of(field.value) for field in node.fields}
    name = node.name.value if isinstance(node, VariableNode) else node.kind
    msg = f"${name} cannot be used here: a constant is expected"
    raise VariableError(msg)


def print_value(value: Value) -> str:
    """Print a value as it is written in the schema language."""
    if isinstance(value, EnumName):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(print_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {print_value(inner)}" for name, inner in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def canonical(value: Value) -> str:
    """Print a value so that equal values, whatever the order of their fields, give equal text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {canonical(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(canonical, value)) + "]"
    return "" if value is UNSET else print_value(value)


def same(left: Value, right: Value) -> bool:
    """Tell whether two values mean the same."""
    return canonical(left) == canonical(right)
