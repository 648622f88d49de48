"""Objects that stand for an interface (``@interfaceObject``) and resolve fields for all that implement it.

Codes: ``INTERFACE_OBJECT_USAGE_ERROR`` (an implementation beside the interface object),
``INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE``.
"""

from __future__ import annotations

from router.composition.field_targets import Coordinate
from router.composition.merging.context import Merge
from router.composition.reporting import listed
from router.sdl.model import Field, Kind, TypeDef


def stand_in_fields(
    merge: Merge, row: dict[int, Field | None], parent: TypeDef, name: str
) -> list[tuple[int, Coordinate]]:
    """Return the fields of interface objects that resolve a field for a type their subgraph does not have."""
    if parent.kind is not Kind.OBJECT:
        return []
    found: list[tuple[int, Coordinate]] = []
    for index in (index for index, it in row.items() if it is None):
        types = merge.subgraphs[index].schema.types
        if parent.name in types:
            continue
        for interface in parent.interfaces:
            stand_in = types.get(interface)
            if stand_in is not None and stand_in.kind is Kind.OBJECT and name in stand_in.fields:
                found.append((index, (interface, name)))
    return found


def is_provided_by_interface_object(merge: Merge, interface: str, field: str) -> bool:
    """Tell whether some subgraph resolves a field of an interface for all implementations."""
    for index in merge.types.get(interface, ()):
        subgraph = merge.subgraphs[index]
        found = subgraph.schema.types[interface]
        if subgraph.is_interface_object(found) and field in found.fields and not subgraph.is_external(interface, field):
            return True
    return False


def check_interface_keys(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef) -> bool:
    """Demand all implementations where an interface has a resolvable key; tells whether it has any key."""
    implementations = merge.merged.possible_types(dest.name)
    has_key = False
    for index, source in sources.items():
        subgraph = merge.subgraphs[index]
        keys = subgraph.applied(source, "key") if source.kind is Kind.INTERFACE else []
        has_key = has_key or bool(keys)
        resolvable = next((it for it in keys if it.args.get("resolvable") is not False), None)
        own = set(subgraph.schema.possible_types(dest.name))
        missing = [name for name in implementations if name not in own]
        if resolvable is None or not missing:
            continue
        message = (
            f'[{subgraph.name}] Interface "{dest.name}" has a resolvable key ({resolvable}), '
            f"but this subgraph lacks its implementation{'s' if len(missing) > 1 else ''} {_quoted(missing)}."
        )
        merge.report.error("INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE", message, [(subgraph, resolvable.at)])
    return has_key


def check_interface_objects(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef) -> None:
    """Refuse implementations in a subgraph that has the interface as an object."""
    for index, source in sources.items():
        subgraph = merge.subgraphs[index]
        if not subgraph.is_interface_object(source):
            continue
        types = subgraph.schema.types
        present = [name for name in merge.merged.possible_types(dest.name) if name in types]
        if present:
            message = (
                f'[{subgraph.name}] Interface "{dest.name}" is an @interfaceObject here, so its implementations '
                f"cannot be defined here, but {_quoted(present)} {'is' if len(present) == 1 else 'are'}."
            )
            sites = [(subgraph, source.at), *((subgraph, types[name].at) for name in present)]
            merge.report.error("INTERFACE_OBJECT_USAGE_ERROR", message, sites)


def _quoted(names: list[str]) -> str:
    return listed([f'"{name}"' for name in names])
