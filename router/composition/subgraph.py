"""A subgraph: as it is given, and as composition knows it.

:class:`SubgraphSchema` answers the questions that all later stages ask: what a directive of federation is called here,
which fields are external, shareable or used, and at which line something stands.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from router.composition.contexts import parse_context
from router.composition.errors import Location
from router.composition.field_targets import Coordinate, lenient_field_set, reached, target_fields
from router.sdl.links import Links
from router.sdl.model import Directive, DirectiveDef, Element, Field, Kind, Schema, TypeDef, elements
from router.sdl.specs import FEDERATION, Version

FEDERATION_DIRECTIVES = (
    "key",
    "requires",
    "provides",
    "external",
    "extends",
    "shareable",
    "override",
    "tag",
    "inaccessible",
    "composeDirective",
    "interfaceObject",
    "authenticated",
    "requiresScopes",
    "policy",
    "context",
    "fromContext",
    "cost",
    "listSize",
    "cacheTag",
)


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The schema of a subgraph as it is handed to composition."""

    name: str
    sdl: str
    url: str = ""


class SubgraphSchema:
    """A subgraph whose schema has been read."""

    def __init__(self, subgraph: Subgraph, schema: Schema, links: Links) -> None:
        self.name = subgraph.name
        self.url = subgraph.url
        self.schema = schema
        self.links = links
        self.definitions: dict[str, DirectiveDef] = {}
        federation = links.features.get(FEDERATION)
        self.is_federation_2 = federation is not None
        self.version: Version | None = federation.url.version if federation else None
        self.names = {name: federation.directive_name(name) if federation else name for name in FEDERATION_DIRECTIVES}
        for name in FEDERATION_DIRECTIVES if federation else ():
            own = next((it for it in links.features.values() if it.url.name == name), None)
            if own is not None and own.url.identity.startswith("https://specs.apollo.dev/"):
                self.names[name] = own.directive_name(name)
        self._line_starts: list[int] | None = None

    def locate(self, at: int) -> Location:
        """Return the line and column of an offset."""
        if self._line_starts is None:
            body = self.schema.source.body
            self._line_starts = [0] + [index + 1 for index, char in enumerate(body) if char == "\n"]
        line = bisect_right(self._line_starts, at)
        return Location(self.name, line, at - self._line_starts[line - 1] + 1)

    def applied(self, element: Element, name: str) -> list[Directive]:
        """Return the applications of a directive of federation, by its name in federation."""
        return element.applied(self.names[name]) if element.directives else []

    def first(self, element: Element, name: str) -> Directive | None:
        """Return the only application of a directive of federation."""
        return next(iter(self.applied(element, name)), None)

    def has(self, element: Element, name: str) -> bool:
        """Tell whether a directive of federation is applied."""
        return bool(element.directives) and element.has(self.names[name])

    def fields_applying(self, name: str) -> Iterator[tuple[TypeDef, Field, Directive]]:
        """Yield each application of a directive to a field."""
        local = self.names[name]
        for type_def in list(self.schema.types.values()):
            for field in type_def.fields.values():
                for directive in field.applied(local) if field.directives else ():
                    yield type_def, field, directive

    def types_applying(self, name: str) -> Iterator[tuple[TypeDef, Directive]]:
        """Yield each application of a directive to a type."""
        local = self.names[name]
        for type_def in list(self.schema.types.values()):
            for directive in type_def.applied(local) if type_def.directives else ():
                yield type_def, directive

    def is_interface_object(self, type_def: TypeDef) -> bool:
        """Tell whether an object stands for an interface."""
        return type_def.kind is Kind.OBJECT and self.is_federation_2 and self.has(type_def, "interfaceObject")

    def merged_kind(self, type_def: TypeDef) -> Kind:
        """Return the kind that a type has in the supergraph."""
        return Kind.INTERFACE if self.is_interface_object(type_def) else type_def.kind

    def is_extension(self, type_def: TypeDef, key: Directive) -> bool:
        """Tell whether a key is written on an extension."""
        return key.extension > 0 or self.has(type_def, "extends")

    @cached_property
    def fake_external(self) -> set[Coordinate]:
        """Key fields of extensions: marked external by the custom of federation 1, yet resolved here."""
        return {
            (owner, name)
            for type_def, key in self.types_applying("key")
            if self.is_extension(type_def, key)
            for owner, name in target_fields(self.schema, type_def.name, key)
            if self._marked_external(owner, name)
        }

    @cached_property
    def external(self) -> set[Coordinate]:
        """Fields that this subgraph declares but does not resolve."""
        found = {(type_def.name, field.name) for type_def, field, _ in self.fields_applying("external")}
        if self.is_federation_2:
            for type_def, _ in self.types_applying("external"):
                found |= {(type_def.name, name) for name in type_def.fields}
        return found - self.fake_external

    @cached_property
    def provided(self) -> set[Coordinate]:
        """Fields that some ``@provides`` of this subgraph resolves on its path."""
        found: set[Coordinate] = set()
        for _, field, provides in self.fields_applying("provides"):
            found |= set(target_fields(self.schema, field.type.strip("[]!"), provides, implementations=True))
        return found

    @cached_property
    def shareable(self) -> set[Coordinate]:
        """Fields that other subgraphs may resolve too."""
        found: set[Coordinate] = set(self.provided & self.external)
        for type_def in self.schema.of_kind(Kind.OBJECT):
            for key in self.applied(type_def, "key"):
                found |= set(target_fields(self.schema, type_def.name, key, implementations=True))
            if not self.is_federation_2:
                continue
            shared = {it.extension for it in self.applied(type_def, "shareable")}
            for field in type_def.fields.values():
                if field.extension in shared or self.has(field, "shareable"):
                    found.add((type_def.name, field.name))
        return found

    @cached_property
    def used(self) -> set[Coordinate]:
        """Fields that a directive of federation selects or an interface demands."""
        found: set[Coordinate] = set(self.provided)
        for type_def, key in self.types_applying("key"):
            found |= set(target_fields(self.schema, type_def.name, key, implementations=True))
        for type_def, _, requires in self.fields_applying("requires"):
            found |= set(target_fields(self.schema, type_def.name, requires, implementations=True))
        for interface in self.schema.of_kind(Kind.INTERFACE):
            for name in self.schema.possible_types(interface.name):
                fields = self.schema.types[name].fields
                found |= {(name, field) for field in interface.fields if field in fields}
        return found | set(self._used_by_contexts())

    def _used_by_contexts(self) -> Iterator[Coordinate]:
        setting: dict[str, list[str]] = {}
        for type_def, context in self.types_applying("context"):
            setting.setdefault(str(context.args.get("name")), []).append(type_def.name)
        if not setting:
            return
        for element in elements(self.schema):
            for directive in self.applied(element, "fromContext"):
                name, selection = parse_context(directive.args.get("field")) or ("", "")
                for owner in setting.get(name, ()):
                    yield from reached(self.schema, owner, lenient_field_set(selection), implementations=True)

    @cached_property
    def applied_names(self) -> set[str]:
        """The names of all directives that are applied anywhere in this subgraph."""
        return {directive.name for element in elements(self.schema) for directive in element.directives}

    def forget(self) -> None:
        """Forget what was worked out, after the schema has been changed."""
        self.schema.reindex()
        for name in ("fake_external", "external", "provided", "shareable", "used", "applied_names"):
            self.__dict__.pop(name, None)

    def is_external(self, owner: str, field: str) -> bool:
        """Tell whether a field is declared here but resolved elsewhere."""
        return (owner, field) in self.external

    def is_fully_external(self, owner: str, field: str) -> bool:
        """Tell whether a field is external and not even provided on some path."""
        return self.is_external(owner, field) and (owner, field) not in self.provided

    def _marked_external(self, owner: str, name: str) -> bool:
        field = self.schema.field(owner, name)
        return field is not None and self.has(field, "external")
