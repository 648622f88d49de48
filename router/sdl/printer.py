"""From the model to text: one definition after the other, directives of types on lines of their own."""

from __future__ import annotations

from collections.abc import Iterator

from graphql.language.block_string import is_printable_as_block_string, print_block_string

from router.sdl.model import (
    BUILT_IN_SCALARS,
    Directive,
    DirectiveDef,
    Element,
    Field,
    InputValue,
    Kind,
    Schema,
    TypeDef,
)
from router.sdl.values import UNSET, print_value

_KEYWORDS = {
    Kind.SCALAR: "scalar",
    Kind.OBJECT: "type",
    Kind.INTERFACE: "interface",
    Kind.UNION: "union",
    Kind.ENUM: "enum",
    Kind.INPUT: "input",
}


def print_schema(schema: Schema) -> str:
    """Print a whole schema: the schema definition, then directives, then types, in the order they are held."""
    parts = [_root(schema)] if schema.root.directives or schema.root.description or _renamed(schema) else []
    parts += [print_directive_definition(it) for it in schema.directives.values()]
    parts += [print_type(it) for it in schema.types.values() if it.name not in BUILT_IN_SCALARS]
    return "\n\n".join(parts) + "\n"


def _renamed(schema: Schema) -> bool:
    return any(name != operation.capitalize() for operation, name in schema.roots.items())


def _root(schema: Schema) -> str:
    directives = "".join(f"\n  {directive}" for directive in schema.root.directives)
    if not schema.roots:
        return f"extend schema{directives}"
    roots = "".join(f"  {operation}: {name}\n" for operation, name in schema.roots.items())
    return f"{_described(schema.root)}schema{directives}" + ("\n{\n" if directives else " {\n") + roots + "}"


def print_directive_definition(it: DirectiveDef) -> str:
    """Print the definition of a directive."""
    repeatable = " repeatable" if it.repeatable else ""
    return f"{_described(it)}directive @{it.name}{_arguments(it.args, '')}{repeatable} on {' | '.join(it.locations)}"


def print_type(it: TypeDef) -> str:
    """Print the definition of a type."""
    interfaces = f" implements {' & '.join(it.interfaces)}" if it.interfaces else ""
    directives = "".join(f"\n  {directive}" for directive in it.directives)
    head = f"{_described(it)}{_KEYWORDS[it.kind]} {it.name}{interfaces}{directives}"
    if it.kind is Kind.UNION and it.members:
        return head + ("\n" if directives else "") + " = " + " | ".join(it.members)
    lines = list(_lines(it))
    if not lines:
        return head
    return head + ("\n{\n" if directives else " {\n") + "\n".join(lines) + "\n}"


def _lines(it: TypeDef) -> Iterator[str]:
    for field in it.fields.values():
        yield _indented(_described(field) + _field(field))
    for item in it.inputs.values():
        yield _indented(_described(item) + _input_value(item))
    for value in it.values.values():
        yield _indented(_described(value) + value.name + _applied(value))


def _field(it: Field) -> str:
    return f"{it.name}{_arguments(it.args, '')}: {it.type}{_applied(it)}"


def _input_value(it: InputValue) -> str:
    default = "" if it.default is UNSET else f" = {print_value(it.default)}"
    return f"{it.name}: {it.type}{default}{_applied(it)}"


def _arguments(args: dict[str, InputValue], indentation: str) -> str:
    if not args:
        return ""
    if not any(it.description for it in args.values()):
        return "(" + ", ".join(map(_input_value, args.values())) + ")"
    lines = [_indented(_described(it) + _input_value(it)) for it in args.values()]
    return "(\n" + "\n".join(lines) + f"\n{indentation})"


def _applied(it: Element) -> str:
    return "".join(f" {directive}" for directive in it.directives)


def print_directive(it: Directive) -> str:
    """Print a directive as it is applied."""
    args = ", ".join(f"{name}: {print_value(value)}" for name, value in it.args.items())
    return f"@{it.name}({args})" if args else f"@{it.name}"


def _described(it: Element) -> str:
    if it.description is None:
        return ""
    if is_printable_as_block_string(it.description):
        return print_block_string(it.description) + "\n"
    return print_value(it.description) + "\n"


def _indented(text: str, by: str = "  ") -> str:
    return "\n".join(by + line if line else line for line in text.split("\n"))
