"""A field that reads others (``@requires``, ``@fromContext``) must demand at least what they demand.

Otherwise a client could learn through it what it must not read.
Code: ``MISSING_TRANSITIVE_AUTH_REQUIREMENTS``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from router.composition.contexts import parse_context
from router.composition.field_targets import lenient_field_set, selection_of
from router.composition.merging import Merge
from router.composition.merging.composed_directives import ACCESS_CONTROL
from router.composition.merging.strategies import Alternatives, all_demands
from router.composition.subgraph import SubgraphSchema
from router.sdl.field_sets import FieldSet, On
from router.sdl.model import Element, Field, TypeDef
from router.sdl.type_refs import named

CODE = "MISSING_TRANSITIVE_AUTH_REQUIREMENTS"


@dataclass(frozen=True, slots=True)
class Demands:
    """What has to be so for an element to be read; no alternatives means no demand."""

    authenticated: bool = False
    scopes: Alternatives | None = None
    policies: Alternatives | None = None

    def cover(self, other: Demands) -> bool:
        """Tell whether whoever meets these demands meets the others too."""
        return (
            (self.authenticated or not other.authenticated)
            and _imply(self.scopes, other.scopes)
            and _imply(self.policies, other.policies)
        )


def _imply(own: Alternatives | None, other: Alternatives | None) -> bool:
    return all(any(set(wanted) <= set(given) for wanted in other or [[]]) for given in own or [[]])


def check_transitive_access(merge: Merge) -> None:
    """Check all fields that read other fields."""
    if not any(name in merge.directives.local_names for name in ACCESS_CONTROL):
        return
    for subgraph in merge.subgraphs:
        for type_def, field, requires in subgraph.fields_applying("requires"):
            check = _Reader(merge, subgraph, type_def, field, "@requires")
            check.check(type_def.name, selection_of(requires))
        _check_contexts(merge, subgraph)


def _check_contexts(merge: Merge, subgraph: SubgraphSchema) -> None:
    setting: dict[str, list[TypeDef]] = {}
    for type_def, context in subgraph.types_applying("context"):
        setting.setdefault(str(context.args.get("name")), []).append(type_def)
    for type_def in subgraph.schema.types.values() if setting else ():
        for field in type_def.fields.values():
            for arg in field.args.values():
                applied = subgraph.first(arg, "fromContext")
                name, selection = (parse_context(applied.args.get("field")) if applied else None) or ("", "")
                for target in setting.get(name, ()):
                    check = _Reader(merge, subgraph, type_def, field, "@fromContext")
                    check.check_element(merge.merged.types[target.name], f'type "{target.name}"')
                    check.check(target.name, lenient_field_set(selection))


class _Reader:
    """A field that reads others."""

    def __init__(self, merge: Merge, subgraph: SubgraphSchema, owner: TypeDef, field: Field, how: str) -> None:
        self.merge, self.subgraph = merge, subgraph
        self.field, self.how = field, how
        self.coordinate = f"{owner.name}.{field.name}"
        merged = merge.merged.types[owner.name]
        elements = [merged, merged.fields[field.name]] if field.name in merged.fields else [merged]
        self.own = _both([_demands(merge, it) for it in elements])

    def check(self, parent: str, selection: FieldSet) -> None:
        for element, what in self.read(parent, selection):
            self.check_element(element, what)

    def read(self, parent: str, selection: FieldSet) -> Iterator[tuple[Element, str]]:
        types = self.merge.merged.types
        for it in selection:
            if isinstance(it, On):
                if it.type in types:
                    yield types[it.type], f'type "{it.type}"'
                yield from self.read(it.type or parent, it.below)
                continue
            field = self.merge.merged.field(parent, it.name)
            if field is None:
                continue
            yield field, f'field "{parent}.{it.name}"'
            target = types.get(named(field.type))
            if target is not None:
                yield target, f'field "{parent}.{it.name}"'
            yield from self.read(named(field.type), it.below)

    def check_element(self, element: Element, what: str) -> None:
        if not self.own.cover(_demands(self.merge, element)):
            message = (
                f'[{self.subgraph.name}] "{self.coordinate}" demands less than the {what} that its {self.how} reads.'
            )
            self.merge.report.error(CODE, message, [(self.subgraph, self.field.at)])


def _demands(merge: Merge, element: Element) -> Demands:
    local = merge.directives.local_names

    def argument(directive: str, name: str) -> Alternatives | None:
        applied = element.applied(local[directive]) if directive in local else []
        return applied[0].args.get(name) if applied else None

    return Demands(
        "authenticated" in local and element.has(local["authenticated"]),
        argument("requiresScopes", "scopes"),
        argument("policy", "policies"),
    )


def _both(demands: list[Demands]) -> Demands:
    return Demands(
        any(it.authenticated for it in demands),
        all_demands([it.scopes for it in demands]),
        all_demands([it.policies for it in demands]),
    )
