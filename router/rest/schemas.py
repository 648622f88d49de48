"""GraphQL types in the words of JSON Schema, as OpenAPI 3.1 takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    InlineFragmentNode,
    SelectionSetNode,
    Undefined,
    is_abstract_type,
)

JsonSchema = dict[str, Any]

_SCALARS: Final[Mapping[str, JsonSchema]] = {
    "ID": {"type": "string"},
    "String": {"type": "string"},
    "Int": {"type": "integer", "format": "int32"},
    "Float": {"type": "number"},
    "Boolean": {"type": "boolean"},
}


def nullable(kind: GraphQLType) -> GraphQLType:
    """Return a type without the word that it is never null."""
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


class Schemas:
    """Describes types, and gathers the named ones.

    Args:
        schema: the API schema.
        scalars: the JSON Schemas of custom scalars; others may be anything.

    Attributes:
        components: the named types that were described so far.
    """

    def __init__(self, schema: GraphQLSchema, scalars: Mapping[str, JsonSchema]) -> None:
        self._schema = schema
        self._scalars = {**_SCALARS, **scalars}
        self.components: dict[str, JsonSchema] = {}

    def of_input(self, kind: GraphQLType) -> JsonSchema:
        """Describe the type of a variable."""
        described = self.of_given_input(kind)
        return described if isinstance(kind, GraphQLNonNull) else _or_null(described)

    def of_given_input(self, kind: GraphQLType) -> JsonSchema:
        """Describe the type of a variable that is given, so that it is not null."""
        kind = nullable(kind)
        if isinstance(kind, GraphQLList):
            return {"type": "array", "items": self.of_input(kind.of_type)}
        if isinstance(kind, GraphQLInputObjectType):
            if kind.name not in self.components:
                self.components[kind.name] = {}
                self.components[kind.name] = self._object(kind)
            return {"$ref": f"#/components/schemas/{kind.name}"}
        return self._leaf(kind)

    def _object(self, kind: GraphQLInputObjectType) -> JsonSchema:
        properties = {name: self.of_input_field(each) for name, each in kind.fields.items()}
        required = [
            name
            for name, each in kind.fields.items()
            if isinstance(each.type, GraphQLNonNull) and each.default_value is Undefined
        ]
        described = {"description": kind.description} if kind.description else {}
        return {
            **described,
            "type": "object",
            "properties": properties,
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }

    def of_input_field(self, field: GraphQLInputField) -> JsonSchema:
        """Describe a field of an input object."""
        described = self.of_input(field.type)
        return {**described, "description": field.description} if field.description else described

    def _leaf(self, kind: GraphQLType) -> JsonSchema:
        if isinstance(kind, GraphQLEnumType):
            if kind.name not in self.components:
                self.components[kind.name] = {"type": "string", "enum": sorted(kind.values)}
            return {"$ref": f"#/components/schemas/{kind.name}"}
        return dict(self._scalars.get(str(kind), {}))

    def of_answer(
        self, kind: GraphQLType, selections: Iterable[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]
    ) -> JsonSchema:
        """Describe what an operation makes of a type by what it selects."""
        described = self.of_given_answer(kind, tuple(selections), fragments)
        return described if isinstance(kind, GraphQLNonNull) else _or_null(described)

    def of_given_answer(
        self,
        kind: GraphQLType,
        selections: tuple[SelectionSetNode, ...],
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> JsonSchema:
        """Describe the same where it is not null."""
        kind = nullable(kind)
        if isinstance(kind, GraphQLList):
            return {"type": "array", "items": self.of_answer(kind.of_type, selections, fragments)}
        if not isinstance(kind, GraphQLObjectType) and not is_abstract_type(kind):
            return self._leaf(kind)
        fields = _fields(selections, fragments)
        properties = {key: self._answer_field(kind, nodes, fragments) for key, nodes in fields.items()}
        whole = isinstance(kind, GraphQLObjectType)
        return {"type": "object", "properties": properties, **({"required": list(properties)} if whole else {})}

    def _answer_field(
        self, parent: Any, nodes: list[FieldNode], fragments: Mapping[str, FragmentDefinitionNode]
    ) -> JsonSchema:
        name = nodes[0].name.value
        field = getattr(parent, "fields", {}).get(name)
        if field is None:
            return {"type": "string"} if name == "__typename" else {}
        inner = [node.selection_set for node in nodes if node.selection_set]
        described = self.of_answer(field.type, inner, fragments)
        return {**described, "description": field.description} if field.description else described


def _or_null(described: JsonSchema) -> JsonSchema:
    kind = described.get("type")
    if isinstance(kind, str):
        return {**described, "type": [kind, "null"]}
    return {"anyOf": [described, {"type": "null"}]} if described else described


def _fields(
    selections: Iterable[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]
) -> dict[str, list[FieldNode]]:
    """Return the fields of selection sets by their response keys, those of fragments among them."""
    found: dict[str, list[FieldNode]] = {}
    for selection_set in selections:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            inner = _unfolded(node, fragments)
            for key, nodes in _fields([inner], fragments).items():
                found.setdefault(key, []).extend(nodes)
    return found


def _unfolded(node: Any, fragments: Mapping[str, FragmentDefinitionNode]) -> SelectionSetNode:
    if isinstance(node, FragmentSpreadNode):
        return fragments[node.name.value].selection_set
    if isinstance(node, InlineFragmentNode):
        return node.selection_set
    raise TypeError(f"{node.kind} is no selection")


def walk(
    root: GraphQLObjectType,
    selection_set: SelectionSetNode,
    path: Iterable[str],
    fragments: Mapping[str, FragmentDefinitionNode],
) -> tuple[GraphQLType, list[SelectionSetNode]]:
    """Follow response keys from the root of an operation; return the type there and what is selected of it.

    Raises:
        KeyError: there is no object with a field of that name.
    """
    kind: GraphQLType = root
    selections = [selection_set]
    for key in path:
        nodes = _fields(selections, fragments)[key]
        inner = nullable(kind)
        if not isinstance(inner, GraphQLObjectType):
            raise KeyError(key)
        kind = inner.fields[nodes[0].name.value].type
        selections = [node.selection_set for node in nodes if node.selection_set]
    return kind, selections
