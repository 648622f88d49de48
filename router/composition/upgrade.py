"""Reads a federation 1 subgraph as one of federation 2.

Federation 1 ignored much that federation 2 refuses, and shared what federation 2 wants marked; so what had no effect is
taken out, and what was shared is marked ``@shareable``. Codes: ``EXTENSION_WITH_NO_BASE``,
``TYPE_WITH_ONLY_UNUSED_EXTERNAL``, ``INTERFACE_OBJECT_USAGE_ERROR`` (an interface object of a federation 1 interface).
"""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.field_targets import selection_of, target_fields
from router.composition.reporting import Report, subgraphs
from router.composition.subgraph import FEDERATION_DIRECTIVES, SubgraphSchema
from router.sdl.field_sets import FieldSet, On, Select, print_field_set
from router.sdl.links import Feature, localized
from router.sdl.model import Directive, Field, Kind, Schema, TypeDef
from router.sdl.specs import FEDERATION, UPGRADED_VERSION, SpecUrl, find_spec_or_empty
from router.sdl.type_refs import named
from router.sdl.values import EnumName, canonical

_SELECTING = ("key", "requires", "provides")


def upgrade_all(schemas: list[SubgraphSchema], report: Report) -> None:
    """Upgrade all subgraphs that are not of federation 2, in place."""
    before = [it for it in schemas if not it.is_federation_2]
    if not before:
        return
    shared = {it.name: _Sharing(it, schemas).find() for it in before}
    owners = _Owners(schemas)
    interface_keys: dict[str, list[str]] = {}
    for it in before:
        upgrade = _Upgrade(it, schemas, owners, report)
        upgrade.run()
        for name in upgrade.interface_keys:
            interface_keys.setdefault(name, []).append(it.name)
    for it in before:
        _become_federation_2(it)
        _mark_shareable(it, shared[it.name])
    _refuse_interface_objects(schemas, interface_keys, report)


def _become_federation_2(it: SubgraphSchema) -> None:
    names = {f"@{name}": f"@{name}" for name in find_spec_or_empty(FEDERATION, UPGRADED_VERSION).directives}
    feature = Feature(SpecUrl(FEDERATION, "federation", UPGRADED_VERSION), "federation", names)
    it.links.features[FEDERATION] = feature
    it.definitions = localized(find_spec_or_empty(FEDERATION, UPGRADED_VERSION), feature) | it.definitions
    it.is_federation_2, it.version = True, UPGRADED_VERSION
    it.names = {name: feature.directive_name(name) for name in FEDERATION_DIRECTIVES}
    it.forget()


def _refuse_interface_objects(schemas: list[SubgraphSchema], keys: dict[str, list[str]], report: Report) -> None:
    for name, old in keys.items():
        stand_ins = [it for it in schemas if name in it.schema.types and it.is_interface_object(it.schema.types[name])]
        if stand_ins:
            message = (
                f'Type "{name}" is an @interfaceObject in {subgraphs([it.name for it in stand_ins])}, which needs an '
                f"interface with a key elsewhere; {subgraphs(old)} must become federation 2 for that."
            )
            sites = [(it, it.schema.types[name].at) for it in stand_ins]
            report.error("INTERFACE_OBJECT_USAGE_ERROR", message, sites)


class _Owners:
    """Which subgraphs define a type, and by which fields others know it, as it was before any upgrade."""

    def __init__(self, schemas: list[SubgraphSchema]) -> None:
        self.defined: dict[str, set[str]] = {}
        self.first_keys: dict[str, dict[str, set[str]]] = {}
        for it in schemas:
            for type_def in it.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
                if type_def.is_defined:
                    self.defined.setdefault(type_def.name, set()).add(it.name)
                key = it.first(type_def, "key")
                if key is not None:
                    fields = {
                        name for owner, name in target_fields(it.schema, type_def.name, key) if owner == type_def.name
                    }
                    self.first_keys.setdefault(type_def.name, {})[it.name] = fields


class _Sharing:
    """Finds the fields and types of a federation 1 subgraph that others resolve too."""

    def __init__(self, subgraph: SubgraphSchema, schemas: list[SubgraphSchema]) -> None:
        self.subgraph = subgraph
        self.others = [it for it in schemas if it is not subgraph]

    def find(self) -> list[tuple[str, str | None]]:
        return list(self._find())

    def _find(self) -> Iterator[tuple[str, str | None]]:
        schema = self.subgraph.schema
        for type_def in schema.of_kind(Kind.OBJECT):
            root = schema.root_kind(type_def.name)
            if root == "subscription":
                continue
            others = [it for it in self.others if self._counterpart(it, type_def.name, root)]
            if not self.subgraph.has(type_def, "key") and root is None:
                if others:
                    yield type_def.name, None
                continue
            for name in type_def.fields:
                if (type_def.name, name) in self.subgraph.shareable:
                    continue
                if any(self._resolves(it, self._counterpart(it, type_def.name, root), name) for it in others):
                    yield type_def.name, name

    def _counterpart(self, other: SubgraphSchema, name: str, root: str | None) -> TypeDef | None:
        types = other.schema.types
        found = types.get(other.schema.roots.get(root, "") if root else name)
        return found if found is not None and found.kind in (Kind.OBJECT, Kind.INTERFACE) else None

    def _resolves(self, other: SubgraphSchema, type_def: TypeDef | None, name: str) -> bool:
        if type_def is None or name not in type_def.fields:
            return False
        return not other.is_fully_external(type_def.name, name)


def _mark_shareable(it: SubgraphSchema, shared: list[tuple[str, str | None]]) -> None:
    for owner, name in shared:
        type_def = it.schema.types.get(owner)
        if type_def is None:
            continue
        targets = [type_def.fields[name]] if name in type_def.fields else []
        if name is None:
            targets = list(type_def.fields.values())
        for target in targets:
            if not it.has(target, "shareable"):
                target.directives.append(Directive(it.names["shareable"]))
    it.forget()


class _Upgrade:
    """The upgrade of one subgraph; the steps depend on their order."""

    def __init__(
        self, subgraph: SubgraphSchema, schemas: list[SubgraphSchema], owners: _Owners, report: Report
    ) -> None:
        self.subgraph = subgraph
        self.schema: Schema = subgraph.schema
        self.others = [it for it in schemas if it is not subgraph]
        self.owners = owners
        self.report = report
        self.interface_keys: list[str] = []

    def run(self) -> None:
        for step in (
            self.check_bases,
            self.quote_field_sets,
            self.drop_external_without_effect,
            self.drop_external_of_keys,
            self.drop_inactive_selections,
            self.turn_extensions_into_definitions,
            self.drop_directives_of_interfaces,
            self.drop_provides_of_leaves,
            self.drop_unused_external,
            self.drop_tags_of_external,
        ):
            step()
            self.subgraph.forget()

    def is_extension(self, type_def: TypeDef) -> bool:
        extends = self.subgraph.has(type_def, "extends")
        return type_def.kind in (Kind.OBJECT, Kind.INTERFACE) and (extends or not type_def.is_defined)

    def composites(self) -> Iterator[TypeDef]:
        return self.schema.of_kind(Kind.OBJECT, Kind.INTERFACE)

    def check_bases(self) -> None:
        for type_def in self.composites():
            if self.schema.root_kind(type_def.name) or not self.is_extension(type_def):
                continue
            if not self.owners.defined.get(type_def.name, set()) - {self.subgraph.name}:
                at = type_def.extended_at[0] if type_def.extended_at else type_def.at
                message = f'[{self.subgraph.name}] Type "{type_def.name}" is extended, but no subgraph defines it.'
                self.report.error("EXTENSION_WITH_NO_BASE", message, [(self.subgraph, at)])

    def quote_field_sets(self) -> None:
        """Federation 1 took a list of names or a bare name for a selection."""
        for type_def in self.composites():
            for element in (type_def, *type_def.fields.values()):
                for directive in element.directives:
                    fields = directive.args.get("fields")
                    if directive.name not in _SELECTING:
                        continue
                    if isinstance(fields, list) and all(isinstance(it, str) for it in fields):
                        directive.args = {"fields": " ".join(fields)}
                    elif isinstance(fields, EnumName):
                        directive.args = {"fields": str(fields)}

    def drop_external_without_effect(self) -> None:
        for type_def in self.composites():
            if type_def.kind is Kind.INTERFACE:
                for field in type_def.fields.values():
                    self.drop(field, "external")
            else:
                self.drop(type_def, "external")

    def drop(self, element: TypeDef | Field, name: str) -> None:
        element.directives = [it for it in element.directives if it.name != name]

    def drop_external_of_keys(self) -> None:
        """The key fields of an extension count as resolved here, whatever they are marked."""
        for type_def in self.composites():
            if not self.is_extension(type_def):
                continue
            keys = self.subgraph.applied(type_def, "key")
            names = {
                name
                for key in keys
                for owner, name in target_fields(self.schema, type_def.name, key)
                if owner == type_def.name
            }
            if not keys:
                known = self.owners.first_keys.get(type_def.name, {})
                names = {name for it in self.others for name in known.get(it.name, ())}
            for name in names & type_def.fields.keys():
                self.drop(type_def.fields[name], "external")

    def drop_inactive_selections(self) -> None:
        """Take out of ``@provides`` and ``@requires`` what is resolved here anyhow."""
        for type_def in self.composites():
            for field in type_def.fields.values():
                self.drop_inactive(field, "provides", named(field.type))
                self.drop_inactive(field, "requires", type_def.name)

    def drop_inactive(self, field: Field, name: str, parent: str) -> None:
        for directive in self.subgraph.applied(field, name):
            selection = selection_of(directive)
            if not selection or not self.is_known(parent, selection):
                continue
            active = self.active(parent, selection)
            if not active:
                field.drop(directive)
            elif active != selection:
                directive.args["fields"] = print_field_set(active)

    def is_known(self, parent: str, selection: FieldSet) -> bool:
        """Tell whether all selected fields exist; if not, a rule will report it."""
        for it in selection:
            if isinstance(it, On):
                if not self.is_known(it.type or parent, it.below):
                    return False
                continue
            field = self.schema.field(parent, it.name)
            if field is None or not self.is_known(named(field.type), it.below):
                return False
        return True

    def active(self, parent: str, selection: FieldSet) -> FieldSet:
        kept: list[Select | On] = []
        for it in selection:
            if isinstance(it, On):
                below = self.active(it.type or parent, it.below)
                kept += [On(it.type, below)] if below else []
                continue
            field = self.schema.field(parent, it.name)
            if field is not None and self.is_external_somewhere(parent, field):
                kept.append(it)
            elif field is not None and it.below:
                below = self.active(named(field.type), it.below)
                kept += [Select(it.name, below, it.args)] if below else []
        return tuple(kept)

    def is_external_somewhere(self, parent: str, field: Field) -> bool:
        if self.subgraph.has(field, "external"):
            return True
        if self.schema.types[parent].kind is not Kind.INTERFACE:
            return False
        implementations = (self.schema.field(name, field.name) for name in self.schema.possible_types(parent))
        return any(it is not None and self.subgraph.has(it, "external") for it in implementations)

    def turn_extensions_into_definitions(self) -> None:
        for type_def in self.composites():
            if self.is_extension(type_def):
                type_def.is_defined = True
                type_def.extended_at = []
                for element in (type_def, *type_def.fields.values()):
                    for directive in element.directives:
                        directive.extension = 0
                for field in type_def.fields.values():
                    field.extension = 0

    def drop_directives_of_interfaces(self) -> None:
        for type_def in self.schema.of_kind(Kind.INTERFACE):
            if self.subgraph.has(type_def, "key"):
                self.interface_keys.append(type_def.name)
                self.drop(type_def, "key")
            for field in type_def.fields.values():
                self.drop(field, "provides")
                self.drop(field, "requires")

    def drop_provides_of_leaves(self) -> None:
        for type_def in self.schema.of_kind(Kind.OBJECT):
            for field in type_def.fields.values():
                target = self.schema.types.get(named(field.type))
                if target is None or not target.is_composite:
                    self.drop(field, "provides")

    def drop_unused_external(self) -> None:
        external, used = self.subgraph.external, self.subgraph.used
        for type_def in self.composites():
            for name in list(type_def.fields):
                if (type_def.name, name) in external and (type_def.name, name) not in used:
                    del type_def.fields[name]
            if type_def.fields or self.schema.root_kind(type_def.name):
                continue
            if _is_referenced(self.schema, type_def.name):
                message = f'[{self.subgraph.name}] Type "{type_def.name}" has only external fields, all of them unused.'
                self.report.error("TYPE_WITH_ONLY_UNUSED_EXTERNAL", message, [(self.subgraph, type_def.at)])
            else:
                del self.schema.types[type_def.name]

    def drop_tags_of_external(self) -> None:
        """A tag on an external field is idle where the field has it in another subgraph."""
        for type_def in self.composites():
            for field in type_def.fields.values():
                if not self.subgraph.has(field, "external"):
                    continue
                counterparts = [it.schema.field(type_def.name, field.name) for it in self.others]
                tags = {
                    canonical(tag.args)
                    for it in counterparts
                    if it is not None and not it.has("external")
                    for tag in it.applied("tag")
                }
                for tag in field.applied("tag"):
                    if canonical(tag.args) in tags:
                        field.drop(tag)


def _is_referenced(schema: Schema, name: str) -> bool:
    for type_def in schema.types.values():
        if name in type_def.members or name in type_def.interfaces:
            return True
        if any(named(field.type) == name for field in type_def.fields.values()):
            return True
    return False
