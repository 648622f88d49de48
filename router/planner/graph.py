"""Pass 2: the supergraph as a graph of places and moves; made once for a schema, grown only where operations go.

A **node** is a type as one subgraph sees it. Some nodes are views: below a `@provides` more fields can be taken, and
an interface object narrowed to an object type still has only the fields of the interface. An **edge** is a field that
the subgraph resolves by itself. An **entry** leads from a node to the same type (or the interface object that stands
for it) in some subgraph by a key; from root types no key is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from router.planner.normalise import normalise_field_set
from router.planner.selection import TYPENAME, Selection, merged
from router.supergraph import ContextArgument, Field, FieldInSubgraph, Supergraph, Type, TypeKind
from router.supergraph.types import list_depth, named_type, wrappers


class NodeKind(Enum):
    """How a subgraph sees a type."""

    OBJECT = "object"
    ABSTRACT = "abstract"
    INTERFACE_OBJECT = "interface object"
    NARROWED = "narrowed interface object"


@dataclass(slots=True, eq=False)
class Node:
    """A type in a subgraph.

    `possible` are the object types that can stand here. `interface` is set where an interface object was narrowed to
    one of its types: the subgraph then knows the object only by that interface. `view` holds the fields provided
    beyond the usual ones.
    """

    id: int
    type: str
    subgraph: str
    kind: NodeKind
    possible: frozenset[str]
    interface: str | None = None
    view: Selection | None = None
    edges: dict[str, Edge | None] = field(default_factory=dict, repr=False)
    entries: tuple[Entry, ...] | None = field(default=None, repr=False)

    @property
    def is_abstract(self) -> bool:
        """Whether fragments in this subgraph can tell the types of objects here."""
        return self.kind is NodeKind.ABSTRACT

    @property
    def type_in_subgraph(self) -> str:
        """The type as the subgraph calls it."""
        return self.interface or self.type

    def __str__(self) -> str:
        name = self.type if self.interface is None else f"{self.interface}|{self.type}"
        return f"{name}/{self.subgraph}{'+' if self.view is not None else ''}"


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A field that a subgraph resolves.

    `target` is None for a leaf. `shape` is what GraphQL compares when fields of different objects share a response
    key.
    """

    name: str
    target: Node | None
    lists: int
    shape: str
    requires: Selection | None = None
    contexts: tuple[ContextArgument, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether it can be taken without anything from elsewhere."""
        return self.requires is None and not self.contexts


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A way into a node from the same object elsewhere.

    `key` is what must be sent along, None for root types, which need nothing; `typename` is how the object is called
    in the representation.
    """

    target: Node
    key: Selection | None
    typename: str


_TYPENAME_EDGE = Edge(TYPENAME, None, 0, "!String")


class Graph:
    """The graph of a supergraph under one set of active override labels."""

    def __init__(self, supergraph: Supergraph, labels: frozenset[str] = frozenset()) -> None:
        self.supergraph = supergraph
        self._labels = labels
        self._types = supergraph.types
        self._nodes: dict[tuple[str, str, str | None, int], Node] = {}
        self._field_sets: dict[tuple[str, str], Selection] = {}
        self._views: dict[tuple[int, ...], Selection] = {}
        self._root_types = frozenset(supergraph.roots.values())

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes met so far."""
        return tuple(self._nodes.values())

    def roots(self, kind: str) -> tuple[Node, ...]:
        """Return the root type of a kind of operation in each subgraph that has it."""
        name = self.supergraph.roots[kind]
        return tuple(self.node(name, subgraph) for subgraph in self._types[name].subgraphs)

    def node(self, type_name: str, subgraph: str, view: Selection | None = None, interface: str | None = None) -> Node:
        """Return the node of a type in a subgraph."""
        key = (type_name, subgraph, interface, id(view))
        node = self._nodes.get(key)
        if node is None:
            type_ = self._types[type_name]
            kind = NodeKind.NARROWED if interface else _kind(type_, subgraph)
            possible = self._possible(type_, subgraph, kind)
            node = Node(len(self._nodes), type_name, subgraph, kind, possible, interface, view)
            self._nodes[key] = node
        return node

    def _possible(self, type_: Type, subgraph: str, kind: NodeKind) -> frozenset[str]:
        if kind in {NodeKind.OBJECT, NodeKind.NARROWED}:
            return frozenset({type_.name})
        everywhere = self.supergraph.possible_types(type_.name)
        if kind is NodeKind.INTERFACE_OBJECT:
            return frozenset(everywhere)
        if type_.kind is TypeKind.UNION:
            return type_.members.get(subgraph, frozenset())
        return frozenset(name for name in everywhere if type_.name in self._types[name].interfaces.get(subgraph, ()))

    def narrow(self, node: Node, type_name: str) -> Node | None:
        """Return the node for the objects of one type that stand at a node, None if there cannot be any."""
        if node.type == type_name:
            return node
        if type_name not in node.possible:
            return None
        if node.kind is NodeKind.INTERFACE_OBJECT:
            return self.node(type_name, node.subgraph, node.view, interface=node.type)
        return self.node(type_name, node.subgraph, self._narrowed_view(node.view, type_name))

    def _narrowed_view(self, view: Selection | None, type_name: str) -> Selection | None:
        group = None if view is None else next((g for g in view.groups if g.type == type_name), None)
        return view if group is None else self._merged_view(view, group.selection)

    def _merged_view(self, first: Selection | None, second: Selection | None) -> Selection | None:
        if first is None or second is None:
            return first or second
        key = (id(first), id(second))
        if key not in self._views:
            self._views[key] = merged(first, second)
        return self._views[key]

    def edge(self, node: Node, name: str) -> Edge | None:
        """Return a field that can be taken at a node within its subgraph, None if it cannot."""
        try:
            return node.edges[name]
        except KeyError:
            edge = node.edges[name] = self._find_edge(node, name)
            return edge

    def _find_edge(self, node: Node, name: str) -> Edge | None:
        if name == TYPENAME:
            return None if node.kind in {NodeKind.INTERFACE_OBJECT, NodeKind.NARROWED} else _TYPENAME_EDGE
        definition = self._types[node.type_in_subgraph].fields.get(name)
        if definition is None:
            return None
        membership = definition.subgraphs.get(node.subgraph)
        promise = next((field for field in node.view.fields if field.name == name), None) if node.view else None
        if promise is not None:
            return self._edge(node, definition, membership, promise.selection, is_provided=True)
        if membership is not None and self._is_resolvable(node, definition, membership):
            return self._edge(node, definition, membership, None, is_provided=False)
        return None

    def _key_fields(self, type_: Type, subgraph: str) -> frozenset[str]:
        """Return the outer fields of the type's keys: the subgraph has them even where it calls them external."""
        membership = type_.subgraphs.get(subgraph)
        keys = () if membership is None else membership.keys
        return frozenset(field.name for key in keys for field in self.field_set(type_.name, key.fields).fields)

    def _is_resolvable(self, node: Node, definition: Field, membership: FieldInSubgraph) -> bool:
        if not self._is_owned(definition, membership):
            return False
        if membership.external and membership.requires is None:
            return definition.name in self._key_fields(self._types[node.type_in_subgraph], node.subgraph)
        if membership.used_overridden and membership.override_label is None:
            return False
        return not node.is_abstract or self._is_same_on_all(node, definition.name)

    def _is_owned(self, definition: Field, membership: FieldInSubgraph) -> bool:
        """Whether the override labels leave the field with this subgraph."""
        label = membership.override_label
        if label is not None:
            return (label in self._labels) == (membership.override is not None)
        return not any(
            other.override == membership.subgraph and other.override_label is None and other is not membership
            for other in definition.subgraphs.values()
        )

    def _is_same_on_all(self, node: Node, name: str) -> bool:
        """Whether every object behind an abstract node has the field for free: it can be asked of all at once."""
        for possible in node.possible:
            edge = self.edge(self.node(possible, node.subgraph, node.view), name)
            if edge is None or not edge.is_free:
                return False
        return True

    def _edge(
        self,
        node: Node,
        definition: Field,
        membership: FieldInSubgraph | None,
        view: Selection | None,
        *,
        is_provided: bool,
    ) -> Edge:
        reference = definition.type if membership is None else membership.type
        name = named_type(reference)
        composite = name in self._types and self._types[name].is_composite
        if membership is not None and membership.provides:
            view = self._merged_view(view, self.field_set(name, membership.provides))
        requires = None
        if membership is not None and membership.requires and not is_provided:
            requires = self.field_set(node.type_in_subgraph, membership.requires)
        return Edge(
            name=definition.name,
            target=self.node(name, node.subgraph, view) if composite else None,
            lists=list_depth(reference),
            shape=wrappers(reference) + ("" if composite else name),
            requires=requires,
            contexts=() if membership is None else membership.context_arguments,
        )

    def entries(self, node: Node) -> tuple[Entry, ...]:
        """Return the ways from a node's object into subgraphs, its own among them."""
        if node.entries is None:
            node.entries = tuple(self._make_entries(node))
        return node.entries

    def _make_entries(self, node: Node) -> Iterator[Entry]:
        if node.type in self._root_types:
            for subgraph in self._types[node.type].subgraphs:
                if subgraph != node.subgraph:
                    yield Entry(self.node(node.type, subgraph), None, node.type)
            return
        type_ = self._types[node.type]
        yield from self._entries_as(type_, into_all=True)
        if type_.kind is TypeKind.OBJECT:
            for name in sorted(frozenset().union(*type_.interfaces.values())):
                yield from self._entries_as(self._types[name], into_all=name == node.interface)

    def _entries_as(self, type_: Type, *, into_all: bool) -> Iterator[Entry]:
        """Yield the entries by the keys of a type.

        An object enters by the keys of its interface only where that is an interface object; into all subgraphs only
        if it came from one.
        """
        for subgraph, membership in type_.subgraphs.items():
            if not (into_all or membership.is_interface_object):
                continue
            for key in membership.keys:
                if key.resolvable:
                    needs = self.field_set(type_.name, key.fields)
                    yield Entry(self.node(type_.name, subgraph), needs, type_.name)

    def sets_context(self, node: Node, context: str) -> bool:
        """Whether all objects at a node set a context, by their own type or by what it belongs to."""
        setters = [name for name, other in self._types.items() if context in other.contexts]
        setting = frozenset(setters).union(*(self.supergraph.possible_types(name) for name in setters))
        return node.type in setting or (bool(node.possible) and node.possible <= setting)

    def context_selection(self, node: Node, argument: ContextArgument) -> Selection:
        """Return what fills an argument, to be asked of the objects at a node; of each type, if they only share it."""
        asked = argument.selection.strip().removeprefix("{").removesuffix("}")
        first = asked.split()[0]
        if not first.startswith("...") and first not in self._types[node.type].fields:
            asked = " ".join(f"... on {name} {{ {asked} }}" for name in sorted(node.possible))
        return self.field_set(node.type, asked)

    def field_set(self, type_name: str, text: str) -> Selection:
        """Return a field set in normal form."""
        selection = self._field_sets.get((type_name, text))
        if selection is None:
            selection = self._field_sets[type_name, text] = normalise_field_set(self.supergraph, type_name, text)
        return selection

    def grow(self) -> None:
        """Work out everything that can be reached from the root types."""
        done = 0
        for kind in self.supergraph.roots:
            self.roots(kind)
        while done < len(self._nodes):
            for node in list(self._nodes.values())[done:]:
                done += 1
                self.entries(node)
                for name in (TYPENAME, *self._types[node.type_in_subgraph].fields):
                    self.edge(node, name)

    def dump(self) -> str:
        """Write all nodes with their edges and entries as text."""
        self.grow()
        return "\n".join(line for node in self._nodes.values() for line in self._lines(node))

    def _lines(self, node: Node) -> Iterator[str]:
        yield f"{node} ({node.kind.value})"
        for edge in filter(None, node.edges.values()):
            requires = "" if edge.requires is None else " @requires"
            yield f"  .{edge.name} -> {edge.target or 'leaf'}{requires}"
        for entry in self.entries(node):
            key = "" if entry.key is None else " ".join(line.strip() for line in entry.key.lines())
            yield f"  => {entry.target} by {{{key}}}"


def _kind(type_: Type, subgraph: str) -> NodeKind:
    membership = type_.subgraphs.get(subgraph)
    if membership is not None and membership.is_interface_object:
        return NodeKind.INTERFACE_OBJECT
    return NodeKind.ABSTRACT if type_.is_abstract else NodeKind.OBJECT
