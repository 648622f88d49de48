"""Default values are values of the type they are for.

Code: ``INVALID_GRAPHQL``.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import BUILT_IN_SCALARS, InputValue, Kind, Schema, TypeDef
from router.sdl.type_refs import is_list, is_non_null, item, nullable
from router.sdl.values import UNSET, EnumName, Value, print_value

_INT_RANGE = range(-(2**31), 2**31)


def check_input_values(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all defaults."""
    for owner, it in _with_defaults(subgraph.schema):
        if not fits(subgraph.schema, it.type, it.default):
            shown = print_value(it.default)
            message = f'[{subgraph.name}] The default of "{owner}", {shown}, is no value of type "{it.type}".'
            report.error("INVALID_GRAPHQL", message, [(subgraph, it.at)])


def _with_defaults(schema: Schema) -> Iterator[tuple[str, InputValue]]:
    for definition in schema.directives.values():
        for arg in definition.args.values():
            if arg.default is not UNSET:
                yield f"@{definition.name}({arg.name}:)", arg
    for type_def in schema.types.values():
        for it in type_def.inputs.values():
            if it.default is not UNSET:
                yield f"{type_def.name}.{it.name}", it
        for field in type_def.fields.values():
            for arg in field.args.values():
                if arg.default is not UNSET:
                    yield f"{type_def.name}.{field.name}({arg.name}:)", arg


def fits(schema: Schema, ref: str, value: Value) -> bool:
    """Tell whether a value is of a type, with the coercions of GraphQL."""
    if value is None:
        return not is_non_null(ref)
    ref = nullable(ref)
    if is_list(ref):
        return all(fits(schema, item(ref), it) for it in (value if isinstance(value, list) else [value]))
    if ref in BUILT_IN_SCALARS:
        return _fits_scalar(ref, value)
    found = schema.types.get(ref)
    if found is None or found.kind is Kind.SCALAR:
        return True
    if found.kind is Kind.ENUM:
        return isinstance(value, EnumName) and value in found.values
    return isinstance(value, dict) and _fits_object(schema, found, value)


def _fits_object(schema: Schema, found: TypeDef, value: dict[str, Value]) -> bool:
    if value.keys() - found.inputs.keys():
        return False
    return all(
        fits(schema, it.type, value[it.name]) if it.name in value else not it.is_required
        for it in found.inputs.values()
    )


def _fits_scalar(name: str, value: Value) -> bool:
    if isinstance(value, bool) or name == "Boolean":
        return isinstance(value, bool) and name == "Boolean"
    is_text = isinstance(value, str) and not isinstance(value, EnumName)
    if name == "String":
        return is_text
    if name == "ID":
        return is_text or isinstance(value, int)
    if name == "Int":
        return isinstance(value, int) and value in _INT_RANGE
    return isinstance(value, int | float)
