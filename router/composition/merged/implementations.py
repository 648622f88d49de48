"""What implements an interface has all the fields that the interface got from all subgraphs.

Codes: ``INTERFACE_FIELD_NO_IMPLEM``, ``INVALID_GRAPHQL`` (fields that no longer fit).
"""

from __future__ import annotations

from router.composition.merging import Merge
from router.composition.reporting import subgraphs
from router.composition.rules.implementations import implementation_problems
from router.sdl.model import Kind, TypeDef


def check_implemented(merge: Merge) -> None:
    """Check that no field of an interface is missing."""
    for type_def in merge.merged.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for name in type_def.interfaces:
            interface = merge.merged.types.get(name)
            for field in interface.fields if interface else ():
                if field not in type_def.fields:
                    _report(merge, type_def, name, field)


def _report(merge: Merge, type_def: TypeDef, interface: str, field: str) -> None:
    having = {
        index: it for index, it in merge.types[interface].items() if it.kind is Kind.INTERFACE and field in it.fields
    }
    implementing = {index: it for index, it in merge.types[type_def.name].items() if interface in it.interfaces}
    message = (
        f'Interface field "{interface}.{field}" is declared in {subgraphs(merge.names(list(having)))}, but type '
        f'"{type_def.name}", which implements it in {subgraphs(merge.names(list(implementing)))}, has no such field.'
    )
    fields = {index: it.fields[field] for index, it in having.items()}
    sites = [*merge.sites(fields), *merge.sites(implementing)]
    merge.report.error("INTERFACE_FIELD_NO_IMPLEM", message, sites)


def check_merged_types(merge: Merge) -> None:
    """Check that merged fields still fit the interfaces they implement."""
    for type_def in merge.merged.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for message, _ in implementation_problems(merge.merged, type_def):
            sites = merge.sites(merge.types.get(type_def.name, {}))
            merge.report.error("INVALID_GRAPHQL", f"In the supergraph, {message}", sites)
