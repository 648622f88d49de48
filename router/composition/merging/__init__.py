"""Merges the schemas of subgraphs into the schema of the supergraph.

The order matters: types first, then what implements what (subtyping depends on it), then fields and their arguments,
and enums last, because how they merge depends on where they turned out to be used.
"""

from __future__ import annotations

from graphql import Source

from router.composition.merging.access_control import AccessControl
from router.composition.merging.applied import record_applied
from router.composition.merging.compose_directive import compose_custom_directives
from router.composition.merging.composed_directives import find_federation_directives
from router.composition.merging.context import Merge, graph_names
from router.composition.merging.enums import merge_values
from router.composition.merging.executable_directives import merge_executable_directives
from router.composition.merging.fields import merge_interface_fields, merge_object_fields
from router.composition.merging.frame import add_frame
from router.composition.merging.inputs import merge_input_fields
from router.composition.merging.interface_fields import add_interface_object_fields
from router.composition.merging.interface_objects import check_interface_keys, check_interface_objects
from router.composition.merging.references import merge_description
from router.composition.merging.types import add_join_types, check_bases, collect_types, merge_interfaces, merge_members
from router.composition.reporting import Report
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import OPERATIONS, Kind, Schema, TypeDef

__all__ = ["Merge", "merge_subgraphs"]


def merge_subgraphs(subgraphs: list[SubgraphSchema], report: Report) -> Merge:
    """Merge subgraphs; where the report has errors afterwards, the result is incomplete."""
    directives = find_federation_directives(subgraphs, report)
    compose_custom_directives(subgraphs, directives, report)
    merge = Merge(subgraphs, report, Schema(Source("", "supergraph")), directives)
    merge.graphs = graph_names([it.name for it in subgraphs])
    if not report.errors:
        _merge_all(merge)
    return merge


def _merge_all(merge: Merge) -> None:
    collect_types(merge)
    dests = list(merge.merged.types.values())
    for dest in dests:
        if dest.kind in (Kind.OBJECT, Kind.INTERFACE):
            merge_interfaces(merge, merge.sources_of(dest), dest)
    merge.merged.reindex()
    _merge_roots(merge)
    access = AccessControl(merge)
    _merge_types(merge, [it for it in dests if it.kind is Kind.UNION], access)
    for kind in (Kind.SCALAR, Kind.INPUT, Kind.INTERFACE, Kind.OBJECT):
        _merge_types(merge, [it for it in dests if it.kind is kind], access)
    add_frame(merge)
    merge_executable_directives(merge)
    _merge_types(merge, [it for it in dests if it.kind is Kind.ENUM], access)
    add_interface_object_fields(merge, access)


def _merge_roots(merge: Merge) -> None:
    schemas = {index: it.schema.root for index, it in enumerate(merge.subgraphs)}
    merge_description(merge, schemas, merge.merged.root, "schema")
    record_applied(merge, schemas, merge.merged.root, "schema")
    for operation in OPERATIONS:
        name = operation.capitalize()
        if any(_has_fields(it.schema, operation) for it in merge.subgraphs):
            merge.merged.roots[operation] = name
    if "query" not in merge.merged.roots:
        merge.report.error("NO_QUERIES", "No subgraph has a query: a supergraph needs at least one.")


def _has_fields(schema: Schema, operation: str) -> bool:
    root = schema.types.get(schema.roots.get(operation, ""))
    return root is not None and bool(root.fields)


def _merge_types(merge: Merge, dests: list[TypeDef], access: AccessControl) -> None:
    for dest in dests:
        sources = merge.sources_of(dest)
        joins = dest.directives
        dest.directives = []
        check_bases(merge, sources, dest)
        merge_description(merge, sources, dest, dest.name)
        add_join_types(merge, sources, dest)
        dest.directives += joins
        extra = access.of_type(dest.name) if dest.kind is Kind.INTERFACE else None
        record_applied(merge, sources, dest, dest.name, extra)
        _merge_parts(merge, sources, dest, access)


def _merge_parts(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef, access: AccessControl) -> None:
    match dest.kind:
        case Kind.UNION:
            merge_members(merge, sources, dest)
        case Kind.INPUT:
            merge_input_fields(merge, sources, dest)
        case Kind.ENUM:
            merge_values(merge, sources, dest)
        case Kind.INTERFACE:
            has_key = check_interface_keys(merge, sources, dest)
            check_interface_objects(merge, sources, dest)
            merge_interface_fields(merge, sources, dest, access, has_key=has_key)
        case Kind.OBJECT:
            merge_object_fields(merge, sources, dest, access)
            if not dest.fields:
                del merge.merged.types[dest.name]
        case Kind.SCALAR:
            pass
