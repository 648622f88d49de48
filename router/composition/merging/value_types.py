"""Hints on objects and interfaces that subgraphs declare differently."""

from __future__ import annotations

from router.composition.merging.context import Merge
from router.composition.merging.interface_objects import is_provided_by_interface_object
from router.composition.reporting import subgraphs
from router.sdl.model import Kind, TypeDef


def hint_inconsistent_entity(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef) -> bool:
    """Tell whether an object is an entity anywhere; hint where it is one only in some subgraphs."""
    with_key = [index for index, it in sources.items() if merge.subgraphs[index].has(it, "key")]
    without = [index for index in sources if index not in with_key]
    if with_key and without:
        message = (
            f'Type "{dest.name}" has a @key in {subgraphs(merge.names(with_key))} '
            f"but none in {subgraphs(merge.names(without))}."
        )
        merge.report.hint("INCONSISTENT_ENTITY", message, merge.sites(sources))
    return bool(with_key)


def hint_missing_value_field(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef, name: str) -> None:
    """Hint where a field of a type without keys is missing in a subgraph that has the type."""
    if dest.kind is Kind.INTERFACE and is_provided_by_interface_object(merge, dest.name, name):
        return
    lacking = [
        index
        for index, it in sources.items()
        if name not in it.fields
        and not merge.subgraphs[index].is_interface_object(it)
        and not all(merge.subgraphs[index].is_external(it.name, field) for field in it.fields)
    ]
    if not lacking:
        return
    having = [index for index, it in sources.items() if name in it.fields]
    message = (
        f'Field "{dest.name}.{name}" is defined in {subgraphs(merge.names(having))} '
        f"but not in {subgraphs(merge.names(lacking))}, which also define{'s' if len(lacking) == 1 else ''} the type."
    )
    kind = "OBJECT" if dest.kind is Kind.OBJECT else "INTERFACE"
    merge.report.hint(f"INCONSISTENT_{kind}_VALUE_TYPE_FIELD", message, merge.sites(sources))
