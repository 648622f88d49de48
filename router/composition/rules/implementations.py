"""Types have what the interfaces they implement promise.

Code: ``INVALID_GRAPHQL``.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import Field, Kind, Schema, TypeDef
from router.sdl.type_refs import is_subtype

Found = tuple[str, int]
"""What is wrong, and where."""


def check_implementations(subgraph: SubgraphSchema, report: Report) -> None:
    """Check all types against all their interfaces."""
    for type_def in subgraph.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for message, at in implementation_problems(subgraph.schema, type_def):
            report.error("INVALID_GRAPHQL", f"[{subgraph.name}] {message}", [(subgraph, at)])


def implementation_problems(schema: Schema, type_def: TypeDef) -> Iterator[Found]:
    """Yield what keeps a type from implementing its interfaces."""
    for name, at in type_def.interfaces.items():
        interface = schema.types.get(name)
        if interface is None or interface.kind is not Kind.INTERFACE:
            continue
        if name == type_def.name:
            yield f'"{name}" cannot implement itself.', at
            continue
        for inherited in interface.interfaces:
            if inherited == type_def.name:
                yield f'"{type_def.name}" and "{name}" cannot implement each other.', at
            elif inherited not in type_def.interfaces:
                yield f'"{type_def.name}" must implement "{inherited}", because "{name}" does.', at
        for promised in interface.fields.values():
            yield from _field_problems(schema, type_def, name, promised)


def _field_problems(schema: Schema, type_def: TypeDef, interface: str, promised: Field) -> Iterator[Found]:
    def is_member(abstract: str, concrete: str) -> bool:
        parent, child = schema.types.get(abstract), schema.types.get(concrete)
        return (parent is not None and concrete in parent.members) or (
            child is not None and abstract in child.interfaces
        )

    own = type_def.fields.get(promised.name)
    coordinate = f"{interface}.{promised.name}"
    if own is None:
        yield f'"{type_def.name}" does not have the field "{coordinate}" of its interface.', type_def.at
        return
    here = f"{type_def.name}.{promised.name}"
    if not is_subtype(promised.type, own.type, is_member):
        yield f'"{here}" has type "{own.type}", which does not fit "{promised.type}" of "{coordinate}".', own.at
    for arg in promised.args.values():
        if arg.name not in own.args:
            yield f'"{here}" does not have the argument "{arg.name}" of "{coordinate}".', own.at
        elif own.args[arg.name].type != arg.type:
            yield f'Argument "{here}({arg.name}:)" does not have type "{arg.type}" as in "{coordinate}".', own.at
    for arg in own.args.values():
        if arg.name not in promised.args and arg.is_required:
            yield f'Argument "{here}({arg.name}:)" is required but is not in "{coordinate}".', arg.at
