"""From text to the model: parses a document and folds its extensions into the types they extend.

What the folding itself reveals (two types, fields or values of one name, an extension of another kind) is reported
here as problems; the rules that need the whole schema are :mod:`router.composition.graphql_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    Node,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    Source,
    StringValueNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
)
from graphql.language.parser import Parser

from router.sdl.lexer import SchemaLexer
from router.sdl.model import Directive, DirectiveDef, Element, Field, InputValue, Kind, Schema, TypeDef
from router.sdl.type_refs import text_of
from router.sdl.values import UNSET, VariableError, value_of

_KINDS: dict[type[Node], Kind] = {
    ScalarTypeDefinitionNode: Kind.SCALAR,
    ScalarTypeExtensionNode: Kind.SCALAR,
    ObjectTypeDefinitionNode: Kind.OBJECT,
    ObjectTypeExtensionNode: Kind.OBJECT,
    InterfaceTypeDefinitionNode: Kind.INTERFACE,
    InterfaceTypeExtensionNode: Kind.INTERFACE,
    UnionTypeDefinitionNode: Kind.UNION,
    UnionTypeExtensionNode: Kind.UNION,
    EnumTypeDefinitionNode: Kind.ENUM,
    EnumTypeExtensionNode: Kind.ENUM,
    InputObjectTypeDefinitionNode: Kind.INPUT,
    InputObjectTypeExtensionNode: Kind.INPUT,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a document that is not valid GraphQL, and where."""

    message: str
    at: int


@dataclass(slots=True)
class Reading:
    """A document that was read: its schema and what was found wrong on the way."""

    schema: Schema
    problems: list[Problem] = field(default_factory=list)


def read_schema(text: str, name: str = "schema") -> Reading:
    """Read a schema document; raises ``GraphQLSyntaxError`` if it cannot be parsed."""
    source = Source(text, name)
    reader = _Reader(Reading(Schema(source)))
    for node in Parser(source, lexer=SchemaLexer(source)).parse_document().definitions:
        reader.read(node)
    return reader.reading


def _at(node: Node) -> int:
    return node.loc.start if node.loc else -1


def _name_at(node: Any) -> int:
    return _at(node.name)


def _description(node: Any) -> str | None:
    described: StringValueNode | None = node.description
    return described.value if described else None


class _Reader:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.schema = reading.schema
        self.has_schema_definition = False

    def problem(self, message: str, at: int) -> None:
        self.reading.problems.append(Problem(message, at))

    def read(self, node: DefinitionNode) -> None:
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            self.read_root(node)
        elif isinstance(node, DirectiveDefinitionNode):
            self.read_directive_definition(node)
        elif type(node) in _KINDS:
            self.read_type(node, _KINDS[type(node)])
        else:
            self.problem(
                "Only type system definitions are allowed in a schema, not operations or fragments.", _at(node)
            )

    def read_root(self, node: SchemaDefinitionNode | SchemaExtensionNode) -> None:
        root = self.schema.root
        if isinstance(node, SchemaDefinitionNode):
            if self.has_schema_definition:
                self.problem("Must provide only one schema definition.", _at(node))
            self.has_schema_definition = True
            root.description = _description(node)
            root.at = _at(node)
        root.directives += self.directives(node)
        for operation in node.operation_types or ():
            kind = operation.operation.value
            if kind in self.schema.roots:
                self.problem(f"There can be only one {kind} type in schema.", _at(operation))
            self.schema.roots[kind] = operation.type.name.value

    def read_directive_definition(self, node: DirectiveDefinitionNode) -> None:
        name = node.name.value
        if name in self.schema.directives:
            self.problem(f'There can be only one directive named "@{name}".', _name_at(node))
            return
        self.schema.directives[name] = DirectiveDef(
            name=name,
            description=_description(node),
            at=_name_at(node),
            args=self.input_values(node.arguments, f'Argument "@{name}(%s:)" can only be defined once.'),
            locations=[location.value for location in node.locations],
            repeatable=node.repeatable,
        )

    def read_type(self, node: Any, kind: Kind) -> None:
        name = node.name.value
        found = self.schema.types.get(name)
        extends = isinstance(node, TypeExtensionNode)
        if found and not extends and found.is_defined:
            self.problem(f'There can be only one type named "{name}".', _name_at(node))
            return
        if found and found.kind is not kind:
            self.problem(f'"{name}" is defined as {found.kind.value} and as {kind.value}.', _name_at(node))
            return
        if found is None:
            found = TypeDef(name=name, kind=kind, at=_name_at(node), is_defined=not extends)
            self.schema.types[name] = found
        if extends:
            found.extended_at.append(_name_at(node))
        else:
            found.is_defined, found.at, found.description = True, _name_at(node), _description(node)
        self.fill(found, node, extension=len(found.extended_at) if extends else 0)

    def fill(self, found: TypeDef, node: Any, extension: int) -> None:
        found.directives += self.directives(node, extension)
        for interface in getattr(node, "interfaces", None) or ():
            self.once(found.interfaces, interface.name.value, f'"{found.name}" implements "%s" twice.', _at(interface))
        for member in getattr(node, "types", None) or ():
            self.once(found.members, member.name.value, f'"{found.name}" includes "%s" twice.', _at(member))
        for value in getattr(node, "values", None) or ():
            name = value.name.value
            if name in found.values:
                self.problem(f'Enum value "{found.name}.{name}" can only be defined once.', _name_at(value))
            found.values[name] = Element(name, _description(value), self.directives(value), _name_at(value))
        message = f'Field "{found.name}.%s" can only be defined once.'
        if found.kind is Kind.INPUT:
            found.inputs.update(self.input_values(node.fields, message, found.inputs))
            return
        for item in getattr(node, "fields", None) or ():
            if item.name.value in found.fields:
                self.problem(message % item.name.value, _name_at(item))
            found.fields[item.name.value] = self.field(item, found.name, extension)

    def once(self, into: dict[str, int], name: str, message: str, at: int) -> None:
        if name in into:
            self.problem(message % name, at)
        into[name] = at

    def field(self, node: FieldDefinitionNode, parent: str, extension: int) -> Field:
        name = node.name.value
        return Field(
            name=name,
            description=_description(node),
            directives=self.directives(node, extension),
            at=_name_at(node),
            type=text_of(node.type),
            args=self.input_values(node.arguments, f'Argument "{parent}.{name}(%s:)" can only be defined once.'),
            extension=extension,
        )

    def input_values(
        self,
        nodes: tuple[InputValueDefinitionNode, ...] | None,
        message: str,
        known: dict[str, InputValue] | None = None,
    ) -> dict[str, InputValue]:
        found: dict[str, InputValue] = {}
        for node in nodes or ():
            name = node.name.value
            if name in found or name in (known or ()):
                self.problem(message % name, _name_at(node))
            found[name] = InputValue(
                name=name,
                description=_description(node),
                directives=self.directives(node),
                at=_name_at(node),
                type=text_of(node.type),
                default=value_of(node.default_value) if node.default_value else UNSET,
            )
        return found

    def directives(self, node: Any, extension: int = 0) -> list[Directive]:
        return [self.directive(it, extension) for it in cast("tuple[ConstDirectiveNode, ...]", node.directives or ())]

    def directive(self, node: ConstDirectiveNode, extension: int) -> Directive:
        found = Directive(node.name.value, at=_at(node), extension=extension)
        for argument in node.arguments or ():
            name = argument.name.value
            if name in found.args:
                self.problem(f'There can be only one argument named "{name}".', _at(argument))
            try:
                found.args[name] = value_of(argument.value)
            except VariableError as error:
                self.problem(str(error), _at(argument))
        return found
