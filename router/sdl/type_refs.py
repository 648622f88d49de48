"""References to types, kept as the text they are written as: ``[Product!]!``.

Text is hashable, comparable, printable and immutable without any class, and composition does little else with a
reference than compare and print it.
"""

from __future__ import annotations

from collections.abc import Callable

from graphql import ListTypeNode, NamedTypeNode, NonNullTypeNode, TypeNode


def text_of(node: TypeNode) -> str:
    """Return the reference that a syntax node stands for."""
    if isinstance(node, NonNullTypeNode):
        return text_of(node.type) + "!"
    if isinstance(node, ListTypeNode):
        return f"[{text_of(node.type)}]"
    if isinstance(node, NamedTypeNode):
        return node.name.value
    msg = f"not a type reference: {node.kind}"
    raise TypeError(msg)


def named(ref: str) -> str:
    """Return the name of the type inside all wrappers."""
    return ref.strip("[]!")


def is_non_null(ref: str) -> bool:
    """Tell whether a value of this type is never null."""
    return ref.endswith("!")


def nullable(ref: str) -> str:
    """Return the reference without the outermost non-null."""
    return ref.removesuffix("!")


def is_list(ref: str) -> bool:
    """Tell whether this is a list, nullable or not."""
    return ref.startswith("[")


def item(ref: str) -> str:
    """Return what a list is a list of."""
    return nullable(ref)[1:-1]


def is_subtype(ref: str, sub: str, is_member: Callable[[str, str], bool]) -> bool:
    """Tell whether each value of ``sub`` is a value of ``ref``; ``is_member(abstract, concrete)`` knows the names."""
    return ref == sub or is_strict_subtype(ref, sub, is_member)


def is_strict_subtype(ref: str, sub: str, is_member: Callable[[str, str], bool]) -> bool:
    """Tell whether ``sub`` is narrower than ``ref``: non-null, a list of narrower items, or an implementing type."""
    if ref == sub:
        return False
    if is_non_null(sub):
        return is_subtype(nullable(ref), nullable(sub), is_member)
    if is_non_null(ref):
        return False
    if is_list(sub):
        return is_list(ref) and is_subtype(item(ref), item(sub), is_member)
    return not is_list(ref) and is_member(ref, sub)
