"""Introspection: what an operation asks of `__schema` and `__type` at its root is answered from the public schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    Visitor,
    execute_sync,
    visit,
)

from router.execution.selections import fragment_of
from router.planner.deferral import DEFER, STREAM

INTROSPECTION = frozenset({"__schema", "__type"})


def introspective_part(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> DocumentNode | None:
    """Return an operation that asks for the introspection in another and nothing else, if there is any."""
    if operation.operation is not OperationType.QUERY:
        return None
    selections = _introspective(operation.selection_set, fragments)
    if not selections:
        return None
    part = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(selections)),
    )
    return visit(DocumentNode(definitions=(part, *fragments.values())), _AtOnce())


class _AtOnce(Visitor):
    """Takes `@defer` and `@stream` out of a document: introspection waits for nothing."""

    def enter_directive(self, node: DirectiveNode, *_place: object) -> object:
        return REMOVE if node.name.value in {DEFER, STREAM} else None


def answer_introspection(schema: GraphQLSchema, part: DocumentNode, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer the introspective part of an operation."""
    result = execute_sync(schema, part, variable_values=dict(variables))
    return result.data or {}


def _introspective(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> list[SelectionNode]:
    kept: list[SelectionNode] = []
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            if node.name.value in INTROSPECTION:
                kept.append(node)
            continue
        inner = _introspective(fragment_of(node, fragments).selection_set, fragments)
        if inner:
            selections = SelectionSetNode(selections=tuple(inner))
            kept.append(InlineFragmentNode(type_condition=None, directives=node.directives, selection_set=selections))
    return kept
