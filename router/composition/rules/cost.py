"""``@cost`` and ``@listSize`` describe what they stand on.

Codes: ``COST_APPLIED_TO_INTERFACE_FIELD``, ``LIST_SIZE_APPLIED_TO_NON_LIST``, ``LIST_SIZE_INVALID_ASSUMED_SIZE``,
``LIST_SIZE_INVALID_SLICING_ARGUMENT``, ``LIST_SIZE_INVALID_SIZED_FIELD``.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import Directive, Field, Kind
from router.sdl.type_refs import is_list, named, nullable

Found = tuple[str, str]


def check_costs(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all costs and list sizes."""
    for type_def, field, _ in subgraph.fields_applying("cost"):
        if type_def.kind is Kind.INTERFACE:
            message = f'[{subgraph.name}] "{type_def.name}.{field.name}" of an interface cannot have a @cost.'
            report.error("COST_APPLIED_TO_INTERFACE_FIELD", message, [(subgraph, field.at)])
    for type_def, field, directive in subgraph.fields_applying("listSize"):
        for code, message in _list_size_problems(subgraph, field, directive):
            text = f'[{subgraph.name}] @listSize on "{type_def.name}.{field.name}": {message}'
            report.error(code, text, [(subgraph, directive.at)])


def _list_size_problems(subgraph: SubgraphSchema, field: Field, directive: Directive) -> Iterator[Found]:
    sized = directive.args.get("sizedFields") or []
    assumed = directive.args.get("assumedSize")
    if not sized and not is_list(field.type):
        yield "LIST_SIZE_APPLIED_TO_NON_LIST", f'the field has type "{field.type}", which is no list.'
    if assumed is not None and assumed < 0:
        yield "LIST_SIZE_INVALID_ASSUMED_SIZE", f"the assumed size {assumed} is negative."
    for name in directive.args.get("slicingArguments") or []:
        arg = field.args.get(name)
        if arg is None:
            yield "LIST_SIZE_INVALID_SLICING_ARGUMENT", f'the field has no argument "{name}".'
        elif nullable(arg.type) != "Int":
            yield "LIST_SIZE_INVALID_SLICING_ARGUMENT", f'argument "{name}" has type "{arg.type}", not Int.'
    if sized:
        yield from _sized_field_problems(subgraph, field, sized)


def _sized_field_problems(subgraph: SubgraphSchema, field: Field, sized: list[str]) -> Iterator[Found]:
    target = subgraph.schema.types.get(named(field.type))
    if target is None or not target.is_composite:
        yield "LIST_SIZE_INVALID_SIZED_FIELD", f'"{field.type}" has no fields that could be sized.'
        return
    for name in sized:
        inner = target.fields.get(name)
        if inner is None:
            yield "LIST_SIZE_INVALID_SIZED_FIELD", f'type "{target.name}" has no field "{name}".'
        elif not is_list(inner.type):
            yield "LIST_SIZE_APPLIED_TO_NON_LIST", f'sized field "{target.name}.{name}" is no list.'
