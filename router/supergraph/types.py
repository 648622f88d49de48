"""Questions asked of type references."""

from __future__ import annotations

from graphql import ListTypeNode, NamedTypeNode, NonNullTypeNode, TypeNode


def named_type(node: TypeNode) -> str:
    """Return the name inside all lists and non-null marks."""
    while not isinstance(node, NamedTypeNode):
        node = _inner(node)
    return node.name.value


def list_depth(node: TypeNode) -> int:
    """Return how many lists there are around the named type."""
    depth = 0
    while not isinstance(node, NamedTypeNode):
        depth += isinstance(node, ListTypeNode)
        node = _inner(node)
    return depth


def wrappers(node: TypeNode) -> str:
    """Return the lists and non-null marks around the named type, from the outside: `!`, `[`."""
    found = ""
    while not isinstance(node, NamedTypeNode):
        found += "[" if isinstance(node, ListTypeNode) else "!"
        node = _inner(node)
    return found


def _inner(node: TypeNode) -> TypeNode:
    if isinstance(node, ListTypeNode | NonNullTypeNode):
        return node.type
    raise TypeError(f"unknown kind of type: {node.kind}")
