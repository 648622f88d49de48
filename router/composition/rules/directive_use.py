"""Directives are known, stand where they may, and get the arguments they want.

Code: ``INVALID_GRAPHQL``.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql.pyutils import did_you_mean, suggestion_list

from router.composition.reporting import Report
from router.composition.rules.input_values import fits
from router.composition.subgraph import FEDERATION_DIRECTIVES, SubgraphSchema
from router.sdl.model import Directive, DirectiveDef, Element, Kind, Schema
from router.sdl.values import print_value

_LINK = "link"
"""The one directive that needs no definition by this name."""
_LOCATIONS = {
    Kind.SCALAR: "SCALAR",
    Kind.OBJECT: "OBJECT",
    Kind.INTERFACE: "INTERFACE",
    Kind.UNION: "UNION",
    Kind.ENUM: "ENUM",
    Kind.INPUT: "INPUT_OBJECT",
}


def check_directive_use(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all applications of directives."""
    for element, location, coordinate in _elements(subgraph.schema):
        if not element.directives:
            continue
        for directive, message in _problems(subgraph, element, location):
            text = f"[{subgraph.name}] {message[:-1]} (on {coordinate})."
            report.error("INVALID_GRAPHQL", text, [(subgraph, directive.at)])


def _elements(schema: Schema) -> Iterator[tuple[Element, str, str]]:
    yield schema.root, "SCHEMA", "the schema"
    for definition in schema.directives.values():
        for arg in definition.args.values():
            yield arg, "ARGUMENT_DEFINITION", f"@{definition.name}({arg.name}:)"
    for it in schema.types.values():
        yield it, _LOCATIONS[it.kind], it.name
        for value in it.values.values():
            yield value, "ENUM_VALUE", f"{it.name}.{value.name}"
        for item in it.inputs.values():
            yield item, "INPUT_FIELD_DEFINITION", f"{it.name}.{item.name}"
        for field in it.fields.values():
            yield field, "FIELD_DEFINITION", f"{it.name}.{field.name}"
            for arg in field.args.values():
                yield arg, "ARGUMENT_DEFINITION", f"{it.name}.{field.name}({arg.name}:)"


def _problems(subgraph: SubgraphSchema, element: Element, location: str) -> Iterator[tuple[Directive, str]]:
    seen: set[str] = set()
    for directive in element.directives:
        definition = subgraph.definitions.get(directive.name)
        if definition is None:
            if directive.name != _LINK:
                yield directive, _unknown(subgraph, directive.name)
            continue
        if location not in definition.locations:
            yield directive, f"Directive @{directive.name} may not be used on {location}."
        if directive.name in seen and not definition.repeatable:
            yield directive, f"Directive @{directive.name} can only be used once at this location."
        seen.add(directive.name)
        for message in _argument_problems(subgraph.schema, directive, definition):
            yield directive, message


def _argument_problems(schema: Schema, directive: Directive, definition: DirectiveDef) -> Iterator[str]:
    for name in directive.args.keys() - definition.args.keys():
        yield f'Directive @{directive.name} has no argument "{name}".'
    for arg in definition.args.values():
        if arg.name not in directive.args:
            if arg.is_required:
                yield f'Directive @{directive.name} needs its argument "{arg.name}" of type "{arg.type}".'
        elif not fits(schema, arg.type, directive.args[arg.name]):
            shown = print_value(directive.args[arg.name])
            yield f'Argument "{arg.name}" of @{directive.name} has type "{arg.type}", which {shown} is not.'


def _unknown(subgraph: SubgraphSchema, name: str) -> str:
    """Say that a directive is unknown, and what was probably meant."""
    message = f"Unknown directive @{name}."
    if name in FEDERATION_DIRECTIVES and subgraph.is_federation_2:
        local = subgraph.names[name]
        if local in subgraph.definitions:
            return f'{message[:-1]}: use @{local}, or add "@{name}" to the imports of the @link to federation.'
        return f"{message[:-1]}: it needs a later version of federation than the one linked."
    if name in FEDERATION_DIRECTIVES:
        return f"{message[:-1]}: it is of federation 2, which this schema does not @link."
    suggestions = suggestion_list(name, list(subgraph.definitions))
    return message + did_you_mean([f"@{it}" for it in suggestions])
