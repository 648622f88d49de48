"""Fragments by name and fragments in place, seen as one."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionNode


def fragment_of(
    node: SelectionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> FragmentDefinitionNode | InlineFragmentNode:
    """Return the fragment that a selection other than a field stands for."""
    if isinstance(node, FragmentSpreadNode):
        return fragments[node.name.value]
    if isinstance(node, InlineFragmentNode):
        return node
    raise TypeError(f"{node.kind} is no fragment")
