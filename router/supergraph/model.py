"""The supergraph as values: which subgraph defines what, under which conditions.

It holds everything, also what is hidden from clients: keys and requirements may name inaccessible fields. Field sets
are kept as text; the planner reads them against the types of their subgraph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from graphql import DocumentNode, GraphQLSchema, TypeNode


class TypeKind(Enum):
    """What a named type is in the supergraph."""

    OBJECT = "object"
    INTERFACE = "interface"
    UNION = "union"
    LEAF = "leaf"
    INPUT = "input"


@dataclass(frozen=True, slots=True)
class Key:
    """A field set that identifies an entity in a subgraph."""

    fields: str
    resolvable: bool = True


@dataclass(frozen=True, slots=True)
class TypeInSubgraph:
    """What one subgraph says of a type."""

    subgraph: str
    keys: tuple[Key, ...] = ()
    is_interface_object: bool = False
    is_extension: bool = False


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """An argument that a subgraph fills from an enclosing object (`@fromContext`)."""

    name: str
    type: str
    context: str
    selection: str


@dataclass(frozen=True, slots=True)
class FieldInSubgraph:
    """What one subgraph says of a field.

    `type` is the field's type as this subgraph has it. `override_label` makes ownership depend on a label: while it is
    active the field belongs to the subgraph that overrides, and to the one overridden otherwise.
    """

    subgraph: str
    type: TypeNode
    external: bool = False
    used_overridden: bool = False
    requires: str | None = None
    provides: str | None = None
    override: str | None = None
    override_label: str | None = None
    context_arguments: tuple[ContextArgument, ...] = ()

    @property
    def is_resolvable(self) -> bool:
        """Whether the subgraph resolves the field by itself wherever it has the object."""
        return not self.external and not self.used_overridden


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object or interface, with one entry for each subgraph that defines it."""

    name: str
    type: TypeNode
    arguments: Mapping[str, TypeNode]
    subgraphs: Mapping[str, FieldInSubgraph]


@dataclass(frozen=True, slots=True)
class Type:
    """A named type.

    `interfaces` and `members` are kept per subgraph: an object may implement an interface in one subgraph and not in
    another, and unions may differ in their members. `contexts` are the names it can set for `@fromContext`.
    """

    name: str
    kind: TypeKind
    subgraphs: Mapping[str, TypeInSubgraph]
    fields: Mapping[str, Field] = field(default_factory=dict)
    interfaces: Mapping[str, frozenset[str]] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    contexts: frozenset[str] = frozenset()

    @property
    def is_abstract(self) -> bool:
        """Whether objects of several types may stand for it."""
        return self.kind in {TypeKind.INTERFACE, TypeKind.UNION}

    @property
    def is_composite(self) -> bool:
        """Whether it needs a selection."""
        return self.is_abstract or self.kind is TypeKind.OBJECT


@dataclass(frozen=True, slots=True)
class Supergraph:
    """A supergraph that was read.

    `subgraphs` leads from name to address, `roots` from the kind of operation to the name of its type, `possible` from
    an abstract type to its object types over all subgraphs, in order of name. `document` is the text as it was parsed,
    for those who look for directives that this model does not hold.
    """

    subgraphs: Mapping[str, str]
    roots: Mapping[str, str]
    types: Mapping[str, Type]
    possible: Mapping[str, tuple[str, ...]]
    api_schema: GraphQLSchema
    document: DocumentNode

    def possible_types(self, name: str) -> tuple[str, ...]:
        """Return the object types that a value of the named composite type may have."""
        return self.possible.get(name, (name,))
