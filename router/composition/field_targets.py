"""The fields that a field set reaches, followed leniently: the unknown is passed over, rules report it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from router.sdl.field_sets import FieldSet, FieldSetError, On, parse_field_set
from router.sdl.model import Directive, Kind, Schema
from router.sdl.type_refs import named

Coordinate = tuple[str, str]
"""A type and a field of it."""


def selection_of(directive: Directive) -> FieldSet:
    """Return the parsed ``fields`` of a directive, or nothing where it has none that can be parsed."""
    text = directive.args.get("fields")
    return lenient_field_set(text) if isinstance(text, str) else ()


def lenient_field_set(text: str) -> FieldSet:
    """Parse a field set, taking what cannot be parsed for an empty one."""
    try:
        return parse_field_set(text)
    except FieldSetError:
        return ()


def target_fields(
    schema: Schema, type_name: str, directive: Directive, *, implementations: bool = False
) -> Iterator[Coordinate]:
    """Yield the fields that the ``fields`` of a directive select, with those that implement them if asked."""
    yield from reached(schema, type_name, selection_of(directive), implementations=implementations)


def reached(schema: Schema, type_name: str, selections: FieldSet, *, implementations: bool) -> Iterator[Coordinate]:
    """Yield the fields that a selection on a type reaches."""
    type_def = schema.types.get(type_name)
    for it in selections:
        if isinstance(it, On):
            yield from reached(schema, it.type or type_name, it.below, implementations=implementations)
            continue
        field = type_def.fields.get(it.name) if type_def else None
        if type_def is None or field is None:
            continue
        yield type_name, it.name
        if implementations and type_def.kind is Kind.INTERFACE:
            for name in schema.possible_types(type_name):
                if it.name in schema.types[name].fields:
                    yield name, it.name
        yield from reached(schema, named(field.type), it.below, implementations=implementations)
