"""The subgraphs as a graph: which fields each resolves on which type, and where keys lead.

Built once from the schemas; :mod:`router.composition.satisfiability.moves` walks it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from router.composition.contexts import parse_context
from router.composition.field_targets import selection_of
from router.composition.merging import Merge
from router.composition.subgraph import SubgraphSchema
from router.sdl.field_sets import FieldSet
from router.sdl.model import Field, Kind, TypeDef
from router.sdl.type_refs import named


@dataclass(frozen=True, slots=True)
class FieldEdge:
    """A field that a subgraph declares on a type, and on what conditions it resolves it."""

    target: str
    is_external: bool = False
    requires: FieldSet = ()
    provides: FieldSet = ()
    label: tuple[str, bool] | None = None
    contexts: frozenset[str] = frozenset()
    is_overridden: bool = False


@dataclass(frozen=True, slots=True)
class KeyEdge:
    """A way into a subgraph: whoever knows the fields of the key can ask it for the type."""

    graph: int
    type: str
    key: FieldSet
    text: str


@dataclass(slots=True)
class SubgraphGraph:
    """All edges of all subgraphs."""

    merge: Merge
    fields: list[dict[str, dict[str, FieldEdge]]] = field(default_factory=list)
    keys: dict[str, list[KeyEdge]] = field(default_factory=dict)
    interface_objects: list[frozenset[str]] = field(default_factory=list)

    def name(self, graph: int) -> str:
        """Return the name of a subgraph."""
        return self.merge.subgraphs[graph].name

    def type(self, graph: int, name: str) -> TypeDef | None:
        """Return a type of a subgraph."""
        return self.merge.subgraphs[graph].schema.types.get(name)

    def is_abstract(self, graph: int, name: str) -> bool:
        """Tell whether a type of a subgraph is an interface or union there."""
        found = self.type(graph, name)
        return found is not None and found.kind in (Kind.INTERFACE, Kind.UNION)

    def possible(self, graph: int, name: str) -> list[str]:
        """Return the object types that a type has in a subgraph."""
        return self.merge.subgraphs[graph].schema.possible_types(name)

    def keys_into(self, name: str) -> list[KeyEdge]:
        """Return the ways into subgraphs for an object: by its own keys, and by those of interface objects for it."""
        found = list(self.keys.get(name, ()))
        merged = self.merge.merged.types.get(name)
        for interface in merged.interfaces if merged else ():
            found += [it for it in self.keys.get(interface, ()) if interface in self.interface_objects[it.graph]]
        return found


def build_graph(merge: Merge) -> SubgraphGraph:
    """Build the graph of the subgraphs of a merge."""
    graph = SubgraphGraph(merge)
    overridden = _overridden(merge)
    for index, subgraph in enumerate(merge.subgraphs):
        types = subgraph.schema.types.values()
        graph.interface_objects.append(frozenset(it.name for it in types if subgraph.is_interface_object(it)))
        graph.fields.append(
            {
                it.name: {name: _edge(subgraph, index, it, own, overridden) for name, own in it.fields.items()}
                for it in types
                if it.fields
            }
        )
        for type_def, key in subgraph.types_applying("key"):
            if key.args.get("resolvable") is not False:
                edge = KeyEdge(index, type_def.name, selection_of(key), str(key.args.get("fields")))
                graph.keys.setdefault(type_def.name, []).append(edge)
    return graph


Labels = dict[tuple[int, str, str], tuple[str, bool] | None]


def _overridden(merge: Merge) -> Labels:
    """Return the fields that others override: at once (nothing), or under a label."""
    indexes = {it.name: index for index, it in enumerate(merge.subgraphs)}
    found: Labels = {}
    for index, subgraph in enumerate(merge.subgraphs):
        for type_def, own, override in subgraph.fields_applying("override"):
            source = indexes.get(str(override.args.get("from")))
            if source is None or merge.subgraphs[source].schema.field(type_def.name, own.name) is None:
                continue
            label = override.args.get("label")
            found[source, type_def.name, own.name] = (str(label), False) if label else None
            if label:
                found[index, type_def.name, own.name] = (str(label), True)
    return found


def _edge(subgraph: SubgraphSchema, index: int, owner: TypeDef, own: Field, overridden: Labels) -> FieldEdge:
    coordinate = (index, owner.name, own.name)
    target = named(own.type)
    if not own.directives and not own.args:
        return FieldEdge(
            target,
            is_external=subgraph.is_external(owner.name, own.name),
            label=overridden.get(coordinate),
            is_overridden=coordinate in overridden and overridden[coordinate] is None,
        )
    requires, provides = subgraph.first(own, "requires"), subgraph.first(own, "provides")
    contexts = {
        f"{subgraph.name}__{reference[0]}"
        for arg in own.args.values()
        if (applied := subgraph.first(arg, "fromContext")) and (reference := parse_context(applied.args.get("field")))
    }
    return FieldEdge(
        target,
        is_external=subgraph.is_external(owner.name, own.name),
        requires=selection_of(requires) if requires else (),
        provides=selection_of(provides) if provides else (),
        label=overridden.get(coordinate),
        contexts=frozenset(contexts),
        is_overridden=coordinate in overridden and overridden[coordinate] is None,
    )
