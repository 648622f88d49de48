"""Merging the fields of objects and interfaces, and saying in ``@join__field`` who resolves them how.

Codes: ``EXTERNAL_MISSING_ON_BASE``; the checks of shared, external and overridden fields have modules of their own.
"""

from __future__ import annotations

from router.composition.merging.access_control import AccessControl
from router.composition.merging.applied import record_applied
from router.composition.merging.arguments import merge_arguments
from router.composition.merging.context import Merge, join
from router.composition.merging.context_arguments import context_arguments
from router.composition.merging.external import check_external, without_external
from router.composition.merging.interface_objects import stand_in_fields
from router.composition.merging.overrides import Overrides, check_overrides
from router.composition.merging.references import merge_description, merge_type
from router.composition.merging.sharing import check_sharing, check_subscription_sharing
from router.composition.merging.value_types import hint_inconsistent_entity, hint_missing_value_field
from router.composition.reporting import subgraphs
from router.sdl.model import Field, TypeDef
from router.sdl.values import Value

FieldSources = dict[int, Field | None]


def merge_object_fields(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef, access: AccessControl) -> None:
    """Merge the fields of an object."""
    is_entity = hint_inconsistent_entity(merge, sources, dest)
    root = merge.merged.root_kind(dest.name)
    for name, row in _rows(merge, sources, dest).items():
        field = dest.fields.setdefault(name, Field(name=name))
        if not is_entity and root is None:
            hint_missing_value_field(merge, sources, dest, name)
        overrides = check_overrides(merge, row, dest, name)
        if root == "subscription":
            check_subscription_sharing(merge, row, dest.name)
        _merge_field(merge, row, dest, field, overrides=overrides, access=access)
        check_sharing(merge, row, dest, field, overrides)


def merge_interface_fields(
    merge: Merge, sources: dict[int, TypeDef], dest: TypeDef, access: AccessControl, *, has_key: bool
) -> None:
    """Merge the fields of an interface, to which interface objects add theirs."""
    for name, row in _rows(merge, sources, dest).items():
        field = dest.fields.setdefault(name, Field(name=name))
        if not has_key:
            hint_missing_value_field(merge, sources, dest, name)
        overrides = check_overrides(merge, row, dest, name)
        _merge_field(merge, row, dest, field, overrides=overrides, access=access)


def _rows(merge: Merge, sources: dict[int, TypeDef], dest: TypeDef) -> dict[str, FieldSources]:
    """Return the sources of each field: None where a subgraph has the type, or stands in for it, but not the field."""
    known = set(merge.types.get(dest.name, ()))
    for interface in dest.interfaces:
        for index in merge.types.get(interface, ()):
            if merge.is_interface_object(index, interface):
                known.add(index)
    rows: dict[str, FieldSources] = {}
    for index, source in sources.items():
        for field in source.fields.values():
            rows.setdefault(field.name, dict.fromkeys(sorted(known)))[index] = field
    return rows


def _merge_field(
    merge: Merge, row: FieldSources, parent: TypeDef, dest: Field, *, overrides: Overrides, access: AccessControl
) -> None:
    coordinate = f"{parent.name}.{dest.name}"
    resolvers = without_external(merge, row, parent.name)
    stand_ins = stand_in_fields(merge, row, parent, dest.name)
    if not resolvers and all(merge.subgraphs[index].is_external(*it) for index, it in stand_ins):
        present = [index for index, it in row.items() if it is not None] + [index for index, _ in stand_ins]
        message = f'Field "{coordinate}" is @external wherever it is declared ({subgraphs(merge.names(present))}).'
        merge.report.error("EXTERNAL_MISSING_ON_BASE", message, merge.sites(row))
        dest.type = next(it.type for it in row.values() if it is not None)
        return
    if resolvers:
        merge_description(merge, resolvers, dest, coordinate)
        record_applied(merge, resolvers, dest, coordinate, access.of_field(parent.name, dest.name))
        merge_arguments(merge, dict(resolvers), dest, coordinate)
    all_equal = merge_type(merge, resolvers or row, dest, coordinate)
    check_external(merge, row, dest, coordinate, all_equal=all_equal)
    if _needs_join(merge, row, parent.name, overrides, all_equal=all_equal):
        dest.directives += _join_fields(merge, row, parent.name, overrides, all_equal=all_equal)


def _needs_join(merge: Merge, row: FieldSources, owner: str, overrides: Overrides, *, all_equal: bool) -> bool:
    """Tell whether the field is not simply resolved wherever its type is."""
    if not all_equal or overrides.used or overrides.labels:
        return True
    for index, source in row.items():
        subgraph = merge.subgraphs[index]
        if source is None or index in overrides.unused:
            if owner in subgraph.schema.types:
                return True
        elif (
            subgraph.is_external(owner, source.name)
            or subgraph.has(source, "provides")
            or subgraph.has(source, "requires")
            or any(subgraph.has(arg, "fromContext") for arg in source.args.values())
        ):
            return True
    return False


def _join_fields(merge: Merge, row: FieldSources, owner: str, overrides: Overrides, *, all_equal: bool) -> list[Value]:
    found: list[Value] = []
    for index, source in row.items():
        label = overrides.labels.get(index)
        if source is None or (index in overrides.unused and label is None):
            continue
        subgraph = merge.subgraphs[index]
        override = subgraph.first(source, "override")
        found.append(
            join(
                "field",
                graph=merge.graphs[index],
                requires=_field_set(merge, index, source, "requires"),
                provides=_field_set(merge, index, source, "provides"),
                type=None if all_equal else source.type,
                external=subgraph.is_external(owner, source.name) or None,
                override=override.args.get("from") if override else None,
                usedOverridden=index in overrides.used or None,
                overrideLabel=label,
                contextArguments=context_arguments(subgraph, source) or None,
            )
        )
    return found


def _field_set(merge: Merge, index: int, source: Field, directive: str) -> Value:
    applied = merge.subgraphs[index].first(source, directive)
    return applied.args.get("fields") if applied else None
