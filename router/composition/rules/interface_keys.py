"""Keys of interfaces, and objects that stand for interfaces.

Codes: ``INTERFACE_KEY_NOT_ON_IMPLEMENTATION``, ``INTERFACE_OBJECT_USAGE_ERROR`` (an interface object without key).
"""

from __future__ import annotations

from router.composition.field_targets import selection_of
from router.composition.reporting import Report, listed
from router.composition.subgraph import SubgraphSchema
from router.sdl.field_sets import canonical_field_set
from router.sdl.model import Directive, Kind, TypeDef


def check_interface_keys(subgraph: SubgraphSchema, report: Report) -> None:
    """Demand each key of an interface on all that implements it."""
    for type_def, key in subgraph.types_applying("key"):
        if type_def.kind is Kind.INTERFACE:
            _check_key(subgraph, report, type_def, key)


def _check_key(subgraph: SubgraphSchema, report: Report, interface: TypeDef, key: Directive) -> None:
    wanted = canonical_field_set(selection_of(key))
    missing: list[TypeDef] = []
    unresolvable: list[TypeDef] = []
    for name in subgraph.schema.possible_types(interface.name):
        it = subgraph.schema.types[name]
        same = [own for own in subgraph.applied(it, "key") if canonical_field_set(selection_of(own)) == wanted]
        if not same:
            missing.append(it)
        elif key.args.get("resolvable") is not False and same[0].args.get("resolvable") is False:
            unresolvable.append(it)
    for found, what in ((missing, "missing"), (unresolvable if not missing else [], "not resolvable")):
        if found:
            names = listed([f'"{it.name}"' for it in found])
            message = f'[{subgraph.name}] Key {key} of interface "{interface.name}" is {what} on {names}.'
            sites = [(subgraph, it.at) for it in found]
            report.error("INTERFACE_KEY_NOT_ON_IMPLEMENTATION", message, sites)


def check_interface_objects(subgraph: SubgraphSchema, report: Report) -> None:
    """Demand a key of each interface object."""
    for type_def, _ in subgraph.types_applying("interfaceObject"):
        if not subgraph.has(type_def, "key"):
            message = f'[{subgraph.name}] Type "{type_def.name}" is an @interfaceObject without a @key.'
            report.error("INTERFACE_OBJECT_USAGE_ERROR", message, [(subgraph, type_def.at)])
