"""The schema that clients see: the supergraph without its joints and without what is inaccessible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveLocation,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    OperationTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    build_ast_schema,
    parse,
)
from graphql.language import EnumValueDefinitionNode

from router.supergraph.errors import InconsistentSupergraphError
from router.supergraph.links import Links
from router.supergraph.types import named_type

_KEPT_DIRECTIVES = frozenset({"deprecated", "specifiedBy", "oneOf"})
_EXECUTABLE = frozenset(
    location.name
    for location in (
        DirectiveLocation.QUERY,
        DirectiveLocation.MUTATION,
        DirectiveLocation.SUBSCRIPTION,
        DirectiveLocation.FIELD,
        DirectiveLocation.FRAGMENT_DEFINITION,
        DirectiveLocation.FRAGMENT_SPREAD,
        DirectiveLocation.INLINE_FRAGMENT,
        DirectiveLocation.VARIABLE_DEFINITION,
    )
)
_INCREMENTAL = parse(
    """
    "Lets the fields of a fragment come after the rest of the answer."
    directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT

    "Lets the items of a list, but for some at its beginning, come after the rest of the answer."
    directive @stream(if: Boolean! = true, label: String, initialCount: Int! = 0) on FIELD
    """,
    no_location=True,
)
_Marked = TypeVar("_Marked", FieldDefinitionNode, InputValueDefinitionNode, EnumValueDefinitionNode, TypeDefinitionNode)


def build_api_schema(document: DocumentNode, links: Links) -> GraphQLSchema:
    """Build the public schema of a supergraph document.

    Raises:
        InconsistentSupergraphError: What is left is no valid schema.
    """
    try:
        return build_ast_schema(_Pruning(document, links).document(), assume_valid_sdl=True)
    except (GraphQLError, TypeError) as error:
        raise InconsistentSupergraphError(f"the public schema cannot be built: {error}") from error


class _Pruning:
    """Takes out of a document whatever clients must not see."""

    def __init__(self, document: DocumentNode, links: Links) -> None:
        self._links = links
        self._inaccessible = links.directive("inaccessible")
        self._source = document
        named = [node for node in document.definitions if isinstance(node, TypeDefinitionNode)]
        self._types = {node.name.value for node in named if self._is_public(node)}
        self._hidden = {node.name.value for node in named} - self._types

    def document(self) -> DocumentNode:
        """Return the public part of the document; clients may defer and stream parts of whatever it has."""
        kept = [self._definition(definition) for definition in self._source.definitions]
        own = {node.name.value for node in kept if isinstance(node, DirectiveDefinitionNode)}
        added = (node for node in _INCREMENTAL.definitions if isinstance(node, DirectiveDefinitionNode))
        kept += (node for node in added if node.name.value not in own)
        return DocumentNode(definitions=tuple(node for node in kept if node is not None))

    def _definition(self, node: DefinitionNode) -> DefinitionNode | None:
        if isinstance(node, SchemaDefinitionNode):
            return SchemaDefinitionNode(description=node.description, directives=(), operation_types=self._roots(node))
        if isinstance(node, DirectiveDefinitionNode):
            return node if self._is_public_directive(node) else None
        if isinstance(node, TypeDefinitionNode):
            return self._type(node) if node.name.value in self._types else None
        return None

    def _roots(self, node: SchemaDefinitionNode) -> tuple[OperationTypeDefinitionNode, ...]:
        return tuple(root for root in node.operation_types if root.type.name.value in self._types)

    def _type(self, node: TypeDefinitionNode) -> TypeDefinitionNode:
        changes: dict[str, object] = {"directives": self._directives(node.directives)}
        if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            changes["interfaces"] = tuple(i for i in node.interfaces or () if i.name.value in self._types)
            changes["fields"] = tuple(self._field(field) for field in self._public(node.fields or ()))
        elif isinstance(node, InputObjectTypeDefinitionNode):
            changes["fields"] = self._inputs(node.fields or ())
        elif isinstance(node, UnionTypeDefinitionNode):
            changes["types"] = tuple(member for member in node.types or () if member.name.value in self._types)
        elif isinstance(node, EnumTypeDefinitionNode):
            changes["values"] = tuple(
                _changed(value, directives=self._directives(value.directives))
                for value in self._public(node.values or ())
            )
        return _changed(node, **changes)

    def _field(self, node: FieldDefinitionNode) -> FieldDefinitionNode:
        return _changed(
            node, directives=self._directives(node.directives), arguments=self._inputs(node.arguments or ())
        )

    def _inputs(self, nodes: Iterable[InputValueDefinitionNode]) -> tuple[InputValueDefinitionNode, ...]:
        return tuple(_changed(node, directives=self._directives(node.directives)) for node in self._public(nodes))

    def _public(self, nodes: Iterable[_Marked]) -> Iterable[_Marked]:
        for node in nodes:
            kind = getattr(node, "type", None)
            if not self._is_marked(node) and (kind is None or named_type(kind) not in self._hidden):
                yield node

    def _directives(self, nodes: Iterable[ConstDirectiveNode] | None) -> tuple[ConstDirectiveNode, ...]:
        return tuple(node for node in nodes or () if node.name.value in _KEPT_DIRECTIVES)

    def _is_public(self, node: TypeDefinitionNode) -> bool:
        return not self._is_marked(node) and not self._links.owns(node.name.value)

    def _is_public_directive(self, node: DirectiveDefinitionNode) -> bool:
        if self._links.owns(node.name.value):
            return False
        return any(location.value in _EXECUTABLE for location in node.locations)

    def _is_marked(self, node: _Marked) -> bool:
        return any(directive.name.value == self._inaccessible for directive in node.directives or ())


_Node = TypeVar("_Node", bound=object)


def _changed(node: _Node, **changes: object) -> _Node:
    """Return a shallow copy of a node with some attributes replaced."""
    values = {key: getattr(node, key) for key in node.keys}  # pyrefly: ignore[missing-attribute]  # every node has it
    return type(node)(**(values | changes))
