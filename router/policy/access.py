"""What a supergraph demands of those who ask for its fields: `@authenticated`, `@requiresScopes` and `@policy`.

A field is had by whoever meets all demands: those on the field, on the type that has it and on the type that it leads
to. Where an interface is asked, any of its objects may answer, so that the demands of all of them count. A field that
reads others (`@requires`) demands what they demand: composition insists on that, but not every composition did. The
fields of keys are read to join what subgraphs know, and demand nothing of who asks for something else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    parse,
    value_from_ast_untyped,
)

from router.supergraph import Supergraph
from router.supergraph.links import Links, read_links
from router.supergraph.types import named_type

Alternatives: TypeAlias = tuple[frozenset[str], ...]
"""Sets of names, one of which must be held as a whole."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing that is demanded: to be known, to hold scopes, or that policies hold.

    Attributes:
        kind: which of them.
        alternatives: the sets of scopes or policies that will do.
    """

    kind: str
    alternatives: Alternatives = ()

    @property
    def names(self) -> frozenset[str]:
        """All scopes or policies that it mentions."""
        return frozenset().union(*self.alternatives)

    def met_by(self, held: frozenset[str]) -> bool:
        """Tell whether scopes or policies will do."""
        return any(each <= held for each in self.alternatives)


AUTHENTICATED = Demand("authenticated")

Demands: TypeAlias = frozenset[Demand]
NONE: Demands = frozenset()


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What is demanded for the fields of a schema.

    Attributes:
        schema: that clients see.
        stated: what directives demand, by the name of a type, and of its field if it is about that.
        known: what was found for fields so far.
    """

    schema: GraphQLSchema
    stated: Mapping[tuple[str, str | None], Demands]
    known: dict[tuple[str, frozenset[str], str], Demands] = field(default_factory=dict)

    def of_field(self, static: str, scope: frozenset[str], name: str) -> Demands:
        """Return what a field demands that is asked of a type.

        Args:
            static: the type as the document has it.
            scope: the types of objects that may answer there.
            name: of the field.
        """
        key = (static, scope, name)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._of_field(static, scope, name)
        return found

    def _of_field(self, static: str, scope: frozenset[str], name: str) -> Demands:
        definition = getattr(self.schema.type_map[static], "fields", {}).get(name)
        if definition is None:
            return NONE
        places = [(get_named_type(definition.type).name, None)]
        places += [(owner, place) for owner in {static} | scope for place in (None, name)]
        return NONE.union(*(self.stated.get(place, NONE) for place in places))


def access_rules(supergraph: Supergraph) -> AccessRules | None:
    """Return the rules of a supergraph; None if it demands nothing."""
    stated = {place: frozenset(found) for place, found in _stated(supergraph.document)}
    stated = {place: found for place, found in stated.items() if found}
    if not stated:
        return None
    return AccessRules(supergraph.api_schema, _with_requirements(supergraph, stated))


def _stated(document: DocumentNode) -> Iterator[tuple[tuple[str, str | None], Iterable[Demand]]]:
    """Yield the demands of all types and fields, as they are written."""
    links = read_links(document)
    for node in document.definitions:
        name = getattr(getattr(node, "name", None), "value", "")
        yield (name, None), _demands(links, getattr(node, "directives", None) or ())
        for each in getattr(node, "fields", None) or ():
            yield (name, each.name.value), _demands(links, each.directives or ())


def _demands(links: Links, directives: Iterable[ConstDirectiveNode]) -> Iterator[Demand]:
    scopes, policy = links.directive("requiresScopes"), links.directive("policy")
    for each in directives:
        if each.name.value == links.directive("authenticated"):
            yield AUTHENTICATED
        elif each.name.value in {scopes, policy}:
            kind = "scopes" if each.name.value == scopes else "policies"
            given: Any = value_from_ast_untyped(each.arguments[0].value) if each.arguments else []
            yield Demand(kind, tuple(frozenset(map(str, names)) for names in given))


def _with_requirements(
    supergraph: Supergraph, stated: Mapping[tuple[str, str | None], Demands]
) -> Mapping[tuple[str, str | None], Demands]:
    """Return demands with those that fields take over from what they read."""
    found: defaultdict[tuple[str, str | None], Demands] = defaultdict(frozenset, stated)
    for type_ in supergraph.types.values():
        for each in type_.fields.values():
            for membership in each.subgraphs.values():
                if membership.requires is not None:
                    read = _read(supergraph, type_.name, _selection(membership.requires))
                    demanded = NONE.union(*(stated.get(place, NONE) for place in read))
                    if demanded:
                        found[type_.name, each.name] |= demanded
    return dict(found)


def _selection(field_set: str) -> SelectionSetNode:
    text = field_set.strip()
    (operation,) = parse(text if text.startswith("{") else f"{{{text}}}", no_location=True).definitions
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - a selection set is a query
    return operation.selection_set


def _read(supergraph: Supergraph, owner: str, selection: SelectionSetNode) -> Iterator[tuple[str, str | None]]:
    """Yield the fields and types that a field set reads."""
    for node in selection.selections:
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition.name.value if node.type_condition else owner
            yield condition, None
            yield from _read(supergraph, condition, node.selection_set)
        elif isinstance(node, FieldNode) and node.name.value in supergraph.types[owner].fields:
            target = named_type(supergraph.types[owner].fields[node.name.value].type)
            yield owner, node.name.value
            yield target, None
            if node.selection_set is not None:
                yield from _read(supergraph, target, node.selection_set)
        elif isinstance(node, FragmentSpreadNode):
            raise TypeError("a field set has no named fragments")
