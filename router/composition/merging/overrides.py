"""``@override`` moves a field from one subgraph to another, at once or (by a label) step by step.

Codes: ``OVERRIDE_ON_INTERFACE``, ``OVERRIDE_FROM_SELF_ERROR``, ``OVERRIDE_SOURCE_HAS_OVERRIDE``,
``OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE``, ``OVERRIDE_LABEL_INVALID``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from router.composition.merging.context import Merge
from router.composition.merging.interface_objects import stand_in_fields
from router.sdl.model import Directive, Field, Kind, TypeDef

_LABEL = re.compile(r"[a-zA-Z][a-zA-Z0-9_\-:./]*|percent\((\d{1,2}(\.\d{1,8})?|100)\)")


@dataclass(slots=True)
class Overrides:
    """What overriding does to the sources of a field, by number of the subgraph."""

    used: set[int] = field(default_factory=set)
    unused: set[int] = field(default_factory=set)
    unknown_source: set[int] = field(default_factory=set)
    labels: dict[int, str] = field(default_factory=dict)


def check_overrides(merge: Merge, row: dict[int, Field | None], parent: TypeDef, name: str) -> Overrides:
    """Find and check the overrides of a field."""
    found = Overrides()
    applied = {
        index: directive
        for index, it in row.items()
        if it is not None and (directive := merge.subgraphs[index].first(it, "override")) is not None
    }
    for index, directive in applied.items():
        _Override(merge, row, parent, name, index, directive, applied, found).check()
    return found


@dataclass(slots=True)
class _Override:
    """One ``@override`` under examination."""

    merge: Merge
    row: dict[int, Field | None]
    parent: TypeDef
    name: str
    index: int
    directive: Directive
    applied: dict[int, Directive]
    found: Overrides

    @property
    def coordinate(self) -> str:
        return f"{self.parent.name}.{self.name}"

    @property
    def here(self) -> str:
        return self.merge.subgraphs[self.index].name

    def error(self, code: str, message: str) -> None:
        self.merge.report.error(code, message, [(self.merge.subgraphs[self.index], self.directive.at)])

    def hint(self, code: str, message: str) -> None:
        self.merge.report.hint(code, message, [(self.merge.subgraphs[self.index], self.directive.at)])

    def check(self) -> None:
        where = f'"{self.coordinate}" in subgraph "{self.here}"'
        if self.is_on_interface():
            self.error("OVERRIDE_ON_INTERFACE", f"@override cannot be on {where}: it is a field of an interface.")
        elif self.merge.is_interface_object(self.index, self.parent.name):
            message = f"@override cannot be on {where}: it is a field of an @interfaceObject."
            self.error("OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE", message)
        else:
            self.check_source(str(self.directive.args.get("from")), where)

    def is_on_interface(self) -> bool:
        return self.merge.subgraphs[self.index].schema.types[self.parent.name].kind is Kind.INTERFACE

    def check_source(self, source_name: str, where: str) -> None:
        names = [it.name for it in self.merge.subgraphs]
        if source_name not in names:
            self.found.unknown_source.add(self.index)
            message = f'@override on {where} is from subgraph "{source_name}", which does not exist.'
            self.hint("FROM_SUBGRAPH_DOES_NOT_EXIST", message)
            return
        source = names.index(source_name)
        if source == self.index:
            self.error("OVERRIDE_FROM_SELF_ERROR", f'@override on {where} is from "{source_name}" itself.')
        elif source in self.applied:
            message = f'@override on {where} is from "{source_name}", which overrides the field too.'
            self.error("OVERRIDE_SOURCE_HAS_OVERRIDE", message)
        elif self.row.get(source) is None:
            self.check_stand_ins(source, where)
        else:
            self.check_collision(source, where)

    def check_stand_ins(self, source: int, where: str) -> None:
        name = self.merge.subgraphs[source].name
        if any(index == source for index, _ in stand_in_fields(self.merge, self.row, self.parent, self.name)):
            message = f'@override on {where} is from "{name}", which has the field only through an @interfaceObject.'
            self.error("OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE", message)
        else:
            message = f'@override on {where} can be removed: "{name}" no longer has the field.'
            self.hint("OVERRIDE_DIRECTIVE_CAN_BE_REMOVED", message)

    def check_collision(self, source: int, where: str) -> None:
        origin = self.merge.subgraphs[source]
        overridden = self.row[source]
        own = self.merge.subgraphs[self.index]
        colliding = next((it for it in ("requires", "provides") if overridden and origin.has(overridden, it)), None)
        if colliding or own.is_external(self.parent.name, self.name):
            at, name = (origin.name, colliding) if colliding else (own.name, "external")
            message = f'@override cannot be on {where}: the field has @{name} in subgraph "{at}".'
            self.error("OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE", message)
            return
        label = self.directive.args.get("label")
        is_used = (self.parent.name, self.name) in origin.used
        if origin.is_external(self.parent.name, self.name):
            message = f'@override on {where} can be removed: the field is @external in "{origin.name}".'
            self.hint("OVERRIDE_DIRECTIVE_CAN_BE_REMOVED", message)
        else:
            (self.found.used if is_used else self.found.unused).add(source)
            if not label:
                advice = (
                    "mark it @external there, it is still selected or implemented" if is_used else "remove it there"
                )
                message = f'"{self.coordinate}" in subgraph "{origin.name}" is overridden: {advice}.'
                self.hint("OVERRIDDEN_FIELD_CAN_BE_REMOVED", message)
        if label:
            self.check_label(str(label), source, where)

    def check_label(self, label: str, source: int, where: str) -> None:
        if _LABEL.fullmatch(label):
            self.found.labels[self.index] = self.found.labels[source] = label
        else:
            self.error("OVERRIDE_LABEL_INVALID", f'@override on {where} has the label "{label}", which is not valid.')
        message = f'"{self.coordinate}" is being moved from subgraph "{self.merge.subgraphs[source].name}", by label.'
        self.hint("OVERRIDE_MIGRATION_IN_PROGRESS", message)
