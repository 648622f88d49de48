"""Gives implementations the fields that only an interface object resolves for them.

This comes after all fields are merged, because it copies what was merged for the interface.
"""

from __future__ import annotations

from router.composition.merging.access_control import AccessControl
from router.composition.merging.applied import record_applied
from router.composition.merging.context import Merge, join
from router.composition.merging.interface_objects import is_provided_by_interface_object
from router.composition.merging.overrides import Overrides
from router.composition.merging.sharing import check_sharing
from router.sdl.model import Element, Field, InputValue, Kind, TypeDef


def add_interface_object_fields(merge: Merge, access: AccessControl) -> None:
    """Add to each object the interface fields that it lacks and that some interface object resolves."""
    for dest in merge.merged.of_kind(Kind.OBJECT):
        for name in dest.interfaces:
            interface = merge.merged.types.get(name)
            for field in interface.fields.values() if interface else ():
                if is_provided_by_interface_object(merge, name, field.name):
                    _add(merge, dest, field, access)


def _add(merge: Merge, dest: TypeDef, field: Field, access: AccessControl) -> None:
    existing = dest.fields.get(field.name)
    if existing is not None:
        joins = [it for it in existing.directives if it.name == "join__field"]
        if joins and all(it.args.get("external") for it in joins):
            _copy_directives(merge, dest, field, existing, access)
        return
    args = {
        it.name: InputValue(it.name, it.description, list(it.directives), type=it.type, default=it.default)
        for it in field.args.values()
    }
    added = Field(name=field.name, description=field.description, type=field.type, args=args)
    dest.fields[field.name] = added
    _copy_directives(merge, dest, field, added, access)
    added.directives.append(join("field"))
    row: dict[int, Field | None] = dict.fromkeys(range(len(merge.subgraphs)))
    check_sharing(merge, row, dest, added, Overrides())


def _copy_directives(merge: Merge, dest: TypeDef, source: Element, target: Element, access: AccessControl) -> None:
    record_applied(merge, {}, target, f"{dest.name}.{target.name}", access.of_field(dest.name, target.name))
    for directive in source.directives:
        if not directive.name.startswith("join__") and directive.name not in access.names:
            target.directives.append(directive)
