"""What a schema and the settings say about keeping answers: how long, whose, and under which tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import DirectiveNode, value_from_ast_untyped

from router.cache_settings import SubgraphCacheSettings
from router.supergraph import Supergraph
from router.supergraph.types import named_type

_CONTROL = "cacheControl"
_JOINED = "join__directive"
_TAGS = frozenset({"federation__cacheTag", "cacheTag"})


@dataclass(frozen=True, slots=True)
class Hint:
    """What is said of a type or a field; what is left open is None."""

    max_age: int | None = None
    private: bool = False
    tags: tuple[str, ...] = ()


_SILENT = Hint()


class Hints:
    """Knows what a supergraph says of its types and fields.

    Args:
        supergraph: with the directives of its subgraphs.
    """

    def __init__(self, supergraph: Supergraph) -> None:
        self._supergraph = supergraph
        self._graphs = _graphs(supergraph)
        self._hints: dict[tuple[str, str, str | None], Hint] = {}
        for node in supergraph.document.definitions:
            name = getattr(getattr(node, "name", None), "value", "")
            self._learn(name, None, getattr(node, "directives", None) or ())
            for each in getattr(node, "fields", None) or ():
                self._learn(name, each.name.value, each.directives or ())

    def of(self, subgraph: str, kind: str, name: str | None = None) -> Hint:
        """Return what is said of a type, or of a field of it."""
        return self._hints.get((subgraph, kind, name), _SILENT)

    def keys(self, subgraph: str, kind: str) -> frozenset[str]:
        """Return the plain fields of the keys that an object has in any subgraph."""
        found = self._supergraph.types.get(kind)
        if found is None or not found.subgraphs:
            return frozenset()
        fields = {key.fields.strip() for each in found.subgraphs.values() for key in each.keys}
        return frozenset(each for each in fields if each.isidentifier() and subgraph in found.subgraphs)

    def type_of(self, kind: str, name: str) -> tuple[str, bool] | None:
        """Return the named type of a field and whether it is a list; None for what leads no further."""
        owner = self._supergraph.types.get(kind)
        field = owner.fields.get(name) if owner else None
        if field is None:
            return None
        inner = named_type(field.type)
        found = self._supergraph.types.get(inner)
        if found is None or not found.is_composite:
            return None
        return inner, "ListType" in type(field.type).__name__ or _is_list(field.type)

    def possible(self, kind: str) -> tuple[str, ...]:
        """Return the object types of an abstract type."""
        return self._supergraph.possible_types(kind)

    def _learn(self, kind: str, name: str | None, directives: Iterable[DirectiveNode]) -> None:
        control: Mapping[str, Any] = {}
        tags: dict[str, list[str]] = {}
        for directive in directives:
            given = {each.name.value: value_from_ast_untyped(each.value) for each in directive.arguments or ()}
            if directive.name.value == _CONTROL:
                control = given
            elif directive.name.value == _JOINED and given.get("name") in _TAGS:
                for graph in given.get("graphs") or ():
                    tags.setdefault(self._graphs.get(graph, graph), []).append(str(given["args"]["format"]))
        if not control and not tags:
            return
        for subgraph in self._supergraph.subgraphs:
            private, age = control.get("scope") == "PRIVATE", control.get("maxAge")
            hint = Hint(age if isinstance(age, int) else None, private, tuple(tags.get(subgraph, ())))
            self._hints[subgraph, kind, name] = hint


def _is_list(node: Any) -> bool:
    while node is not None:
        if node.kind == "list_type":
            return True
        node = getattr(node, "type", None)
    return False


def _graphs(supergraph: Supergraph) -> dict[str, str]:
    """Return the names of subgraphs by the values of `join__Graph` that stand for them."""
    found: dict[str, str] = {}
    for node in supergraph.document.definitions:
        if getattr(getattr(node, "name", None), "value", "") == "join__Graph":
            for value in getattr(node, "values", None) or ():
                for directive in value.directives or ():
                    given = {each.name.value: value_from_ast_untyped(each.value) for each in directive.arguments or ()}
                    found[value.name.value] = str(given.get("name", value.name.value))
    return found


@dataclass(frozen=True, slots=True)
class Ages:
    """How long things of one subgraph are kept: as the schema says, or else the settings."""

    hints: Hints
    subgraph: str
    settings: SubgraphCacheSettings

    def of_type(self, kind: str) -> int | None:
        """Return the seconds for objects of a type, if anything is said of it."""
        said = self.hints.of(self.subgraph, kind).max_age
        return said if said is not None else self.settings.types.get(kind)

    def of_field(self, kind: str, name: str, leads_to: str | None) -> int | None:
        """Return the seconds for a field, if anything is said of it or of what it leads to."""
        said = self.hints.of(self.subgraph, kind, name).max_age
        return said if said is not None or leads_to is None else self.of_type(leads_to)

    def is_private(self, kind: str, name: str | None = None) -> bool:
        """Whether a type, or a field of it, is kept only for whom it was fetched."""
        return self.hints.of(self.subgraph, kind, name).private or (name is None and kind in self.settings.private)
