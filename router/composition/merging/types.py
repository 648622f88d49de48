"""Merging types: which there are, of what kind, in which subgraphs, and what they implement or include.

Codes: ``TYPE_KIND_MISMATCH``, ``INTERFACE_OBJECT_USAGE_ERROR`` (only interface objects, no interface),
``EXTENSION_WITH_NO_BASE``.
"""

from __future__ import annotations

from router.composition.merging.context import Merge, join
from router.composition.reporting import by_wording, subgraphs
from router.sdl.model import BUILT_IN_SCALARS, Kind, TypeDef


def collect_types(merge: Merge) -> None:
    """Find all types of all subgraphs, and give the supergraph an empty one of each."""
    for index, subgraph in enumerate(merge.subgraphs):
        for type_def in subgraph.schema.types.values():
            if type_def.name not in BUILT_IN_SCALARS:
                merge.types.setdefault(type_def.name, {})[index] = type_def
    for name, sources in merge.types.items():
        kinds = [merge.subgraphs[index].merged_kind(it) for index, it in sources.items()]
        merge.merged.types[name] = TypeDef(name=name, kind=kinds[0])
        if len(set(kinds)) > 1:
            _report_kinds(merge, name, sources)
        elif kinds[0] is Kind.INTERFACE and all(it.kind is Kind.OBJECT for it in sources.values()):
            where = subgraphs(merge.names(list(sources)))
            message = (
                f'Type "{name}" is an @interfaceObject wherever it is defined ({where}); one must have the interface.'
            )
            merge.report.error("INTERFACE_OBJECT_USAGE_ERROR", message, merge.sites(sources))


def _report_kinds(merge: Merge, name: str, sources: dict[int, TypeDef]) -> None:
    kinds = {
        merge.subgraphs[index].name: "an interface object" if merge.is_interface_object(index, name) else it.kind.value
        for index, it in sources.items()
    }
    message = f'Type "{name}" has mismatched kinds: it is {by_wording(kinds, str)}.'
    merge.report.error("TYPE_KIND_MISMATCH", message, merge.sites(sources))


def check_bases(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef) -> None:
    """Demand that a type is not only extended."""
    if merge.merged.root_kind(dest.name) or any(it.is_defined for it in sources.values()):
        return
    for index, it in sources.items():
        subgraph = merge.subgraphs[index]
        message = f'[{subgraph.name}] Type "{dest.name}" is extended, but no subgraph defines it.'
        merge.report.error("EXTENSION_WITH_NO_BASE", message, [(subgraph, it.extended_at[0])])


def add_join_types(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef) -> None:
    """Say in which subgraphs a type is, and with which keys."""
    for index, source in sources.items():
        subgraph, graph = merge.subgraphs[index], merge.graphs[index]
        is_interface_object = subgraph.is_interface_object(source) or None
        keys = subgraph.applied(source, "key")
        if not keys:
            dest.directives.append(join("type", graph=graph, isInterfaceObject=is_interface_object))
        for key in keys:
            dest.directives.append(
                join(
                    "type",
                    graph=graph,
                    key=key.args.get("fields"),
                    extension=subgraph.is_extension(source, key) or None,
                    resolvable=key.args.get("resolvable"),
                    isInterfaceObject=is_interface_object,
                )
            )


def merge_interfaces(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef) -> None:
    """Unite the interfaces that a type implements, and say where it does."""
    for index, source in sources.items():
        for name in source.interfaces:
            dest.interfaces[name] = -1
            dest.directives.append(join("implements", graph=merge.graphs[index], interface=name))


def merge_members(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef) -> None:
    """Unite the members of a union."""
    for source in sources.values():
        dest.members |= dict.fromkeys(source.members, -1)
    for member in dest.members:
        having = [index for index, it in sources.items() if member in it.members]
        dest.directives += [join("unionMember", graph=merge.graphs[index], member=member) for index in having]
        lacking = [index for index in sources if index not in having]
        if lacking:
            message = (
                f'Union "{dest.name}" includes "{member}" in {subgraphs(merge.names(having))} '
                f"but not in {subgraphs(merge.names(lacking))}."
            )
            merge.report.hint("INCONSISTENT_UNION_MEMBER", message, merge.sites(sources))
