"""The model of a schema document.

Plain mutable records: composition builds the supergraph in them, and the upgrade from federation 1 rewrites a subgraph
in place. Every element keeps ``at``, its offset in the source it came from, or ``NOWHERE``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from graphql import Source

from router.sdl.type_refs import is_non_null
from router.sdl.values import UNSET, Value

NOWHERE = -1
"""The offset of an element that nobody wrote."""

BUILT_IN_SCALARS = frozenset({"Int", "Float", "String", "Boolean", "ID"})
OPERATIONS = ("query", "mutation", "subscription")
EXECUTABLE_LOCATIONS = frozenset(
    {
        "QUERY",
        "MUTATION",
        "SUBSCRIPTION",
        "FIELD",
        "FRAGMENT_DEFINITION",
        "FRAGMENT_SPREAD",
        "INLINE_FRAGMENT",
        "VARIABLE_DEFINITION",
    }
)


class Kind(Enum):
    """The kinds of named types, with the words an error uses for them."""

    SCALAR = "scalar"
    OBJECT = "object"
    INTERFACE = "interface"
    UNION = "union"
    ENUM = "enum"
    INPUT = "input object"


COMPOSITE = frozenset({Kind.OBJECT, Kind.INTERFACE, Kind.UNION})
LEAF = frozenset({Kind.SCALAR, Kind.ENUM})


@dataclass(slots=True)
class Directive:
    """A directive applied to something; ``extension`` is the number of the extension it is on, 0 on the definition."""

    name: str
    args: dict[str, Value] = field(default_factory=dict)
    at: int = NOWHERE
    extension: int = 0

    def __str__(self) -> str:
        from router.sdl.printer import print_directive  # noqa: PLC0415 - the printer needs the model

        return print_directive(self)


@dataclass(slots=True)
class Element:
    """What all parts of a schema have."""

    name: str
    description: str | None = None
    directives: list[Directive] = field(default_factory=list)
    at: int = NOWHERE

    def applied(self, name: str | None) -> list[Directive]:
        """Return the applications of a directive, in order."""
        return [it for it in self.directives if it.name == name]

    def has(self, name: str | None) -> bool:
        """Tell whether a directive is applied."""
        return any(it.name == name for it in self.directives)

    def drop(self, directive: Directive) -> None:
        """Take one application away."""
        self.directives = [it for it in self.directives if it is not directive]


@dataclass(slots=True)
class InputValue(Element):
    """An argument or a field of an input object."""

    type: str = ""
    default: Value = UNSET

    @property
    def is_required(self) -> bool:
        """Tell whether a value must be given."""
        return is_non_null(self.type) and self.default is UNSET


@dataclass(slots=True)
class Field(Element):
    """A field of an object or interface."""

    type: str = ""
    args: dict[str, InputValue] = field(default_factory=dict)
    extension: int = 0


@dataclass(slots=True)
class TypeDef(Element):
    """A named type of any kind; only the parts of its kind are filled."""

    kind: Kind = Kind.SCALAR
    interfaces: dict[str, int] = field(default_factory=dict)
    fields: dict[str, Field] = field(default_factory=dict)
    inputs: dict[str, InputValue] = field(default_factory=dict)
    values: dict[str, Element] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    is_defined: bool = True
    extended_at: list[int] = field(default_factory=list)

    @property
    def is_composite(self) -> bool:
        """Tell whether the type has a selection set."""
        return self.kind in COMPOSITE


@dataclass(slots=True)
class DirectiveDef(Element):
    """The definition of a directive."""

    args: dict[str, InputValue] = field(default_factory=dict)
    locations: list[str] = field(default_factory=list)
    repeatable: bool = False

    @property
    def executable_locations(self) -> list[str]:
        """Return the locations in operations, sorted."""
        return sorted(it for it in self.locations if it in EXECUTABLE_LOCATIONS)


@dataclass(slots=True)
class Schema:
    """A schema document: types, directive definitions, root types and the directives on the schema itself."""

    source: Source
    types: dict[str, TypeDef] = field(default_factory=dict)
    directives: dict[str, DirectiveDef] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    root: Element = field(default_factory=lambda: Element(name="schema"))
    _implementers: dict[str, list[str]] | None = None

    def of_kind(self, *kinds: Kind) -> Iterator[TypeDef]:
        """Yield the types of some kinds."""
        return (it for it in list(self.types.values()) if it.kind in kinds)

    def field(self, type_name: str, field_name: str) -> Field | None:
        """Return a field by its coordinate."""
        found = self.types.get(type_name)
        return found.fields.get(field_name) if found else None

    def root_kind(self, type_name: str) -> str | None:
        """Return the operation that a type is the root of."""
        return next((operation for operation, name in self.roots.items() if name == type_name), None)

    def possible_types(self, name: str) -> list[str]:
        """Return the object types that a value of this type can have."""
        found = self.types.get(name)
        if found is None:
            return []
        if found.kind is Kind.UNION:
            return list(found.members)
        if found.kind is Kind.INTERFACE:
            return self.implementers.get(name, [])
        return [name]

    @property
    def implementers(self) -> dict[str, list[str]]:
        """Return the object types that implement each interface; see :meth:`reindex`."""
        if self._implementers is None:
            self._implementers = {}
            for it in self.of_kind(Kind.OBJECT):
                for interface in it.interfaces:
                    self._implementers.setdefault(interface, []).append(it.name)
        return self._implementers

    def reindex(self) -> None:
        """Forget what was worked out, after types or their interfaces have changed."""
        self._implementers = None


def elements(schema: Schema) -> Iterator[Element]:
    """Yield everything in a schema that can carry directives."""
    yield schema.root
    for definition in schema.directives.values():
        yield from definition.args.values()
    for type_def in schema.types.values():
        yield type_def
        yield from type_def.values.values()
        yield from type_def.inputs.values()
        for item in type_def.fields.values():
            yield item
            yield from item.args.values()
