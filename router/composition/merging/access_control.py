"""Access control spreads between interfaces and what implements them.

What an implementation demands, its interfaces demand too (a client may reach it through them); what a field of an
interface object demands, the implementations demand.
"""

from __future__ import annotations

from router.composition.merging.composed_directives import ACCESS_CONTROL
from router.composition.merging.context import Merge
from router.composition.subgraph import SubgraphSchema
from router.sdl.model import Element, Kind, TypeDef

Extra = dict[str, list[Element]]


class AccessControl:
    """For each type and field, the elements whose demands it takes over, by name of the directive."""

    def __init__(self, merge: Merge) -> None:
        local = merge.directives.local_names
        self.names = {local[name] for name in ACCESS_CONTROL if name in local}
        self._extra: dict[tuple[str, str | None], Extra] = {}
        self._implementers: dict[str, list[str]] = {}
        self._interfaces: dict[str, list[str]] = {}
        if self.names:
            self._collect(merge)

    def of_type(self, name: str) -> Extra:
        """Return what a type takes over."""
        return self._extra.get((name, None), {})

    def of_field(self, owner: str, name: str) -> Extra:
        """Return what a field takes over."""
        return self._extra.get((owner, name), {})

    def _collect(self, merge: Merge) -> None:
        self._implementers = merge.merged.implementers
        for interface, names in self._implementers.items():
            for name in names:
                self._interfaces.setdefault(name, []).append(interface)
        for subgraph in merge.subgraphs:
            for type_def in subgraph.schema.of_kind(Kind.OBJECT):
                self._collect_type(subgraph, type_def)

    def _collect_type(self, subgraph: SubgraphSchema, type_def: TypeDef) -> None:
        for interface in self._interfaces.get(type_def.name, ()):
            self._record(interface, None, type_def)
        for field in type_def.fields.values():
            if not any(field.has(name) for name in self.names) or subgraph.is_external(type_def.name, field.name):
                continue
            targets = self._interfaces.get(type_def.name, [])
            if subgraph.is_interface_object(type_def):
                implementers = self._implementers.get(type_def.name, [])
                others = {it for name in implementers for it in self._interfaces[name] if it != type_def.name}
                targets = [*implementers, *sorted(others)]
            for target in targets:
                self._record(target, field.name, field)

    def _record(self, owner: str, field: str | None, source: Element) -> None:
        for name in self.names:
            if source.has(name):
                self._extra.setdefault((owner, field), {}).setdefault(name, []).append(source)
