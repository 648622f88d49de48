"""Read a supergraph document into the model.

Written for join 0.2 to 0.5; what join 0.1 says differently is in `legacy`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListValueNode,
    ObjectTypeDefinitionNode,
    ObjectValueNode,
    OperationType,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    ValueNode,
    parse,
    parse_type,
)
from graphql.language import BooleanValueNode

from router.supergraph.api_schema import build_api_schema
from router.supergraph.errors import (
    InconsistentSupergraphError,
    NotASupergraphError,
    SupergraphSyntaxError,
)
from router.supergraph.legacy import memberships_of_join_01
from router.supergraph.links import Links, arguments, read_links, text
from router.supergraph.model import (
    ContextArgument,
    Field,
    FieldInSubgraph,
    Key,
    Supergraph,
    Type,
    TypeInSubgraph,
    TypeKind,
)

_KINDS: tuple[tuple[type[TypeDefinitionNode], TypeKind], ...] = (
    (ObjectTypeDefinitionNode, TypeKind.OBJECT),
    (InterfaceTypeDefinitionNode, TypeKind.INTERFACE),
    (UnionTypeDefinitionNode, TypeKind.UNION),
    (InputObjectTypeDefinitionNode, TypeKind.INPUT),
)


def load_supergraph(sdl: str) -> Supergraph:
    """Read a supergraph.

    Raises:
        SupergraphSyntaxError: The text is not GraphQL.
        NotASupergraphError: It says nothing of subgraphs.
        UnsupportedSpecError: It needs a specification that is not known here.
        InconsistentSupergraphError: It contradicts itself.
    """
    try:
        document = parse(sdl, no_location=True)
    except GraphQLError as error:
        raise SupergraphSyntaxError(f"the supergraph is not valid GraphQL: {error}") from error
    links = read_links(document)
    return _Reader(document, links).supergraph()


class _Reader:
    """Reads one document; holds the local names of the join directives."""

    def __init__(self, document: DocumentNode, links: Links) -> None:
        self._document = document
        self._links = links
        self._join = {
            name: links.directive("join", name)
            for name in ("type", "field", "implements", "unionMember", "graph", "owner", "Graph")
        }
        self._context = links.directive("context")
        join = links.by_name.get("join")
        self._is_join_01 = join is not None and join.version < (0, 2)
        self._graphs = dict(self._read_graphs())
        self._names = {graph: name for graph, (name, _url) in self._graphs.items()}

    def supergraph(self) -> Supergraph:
        """Read everything."""
        types = {
            definition.name.value: self._type(definition)
            for definition in self._document.definitions
            if isinstance(definition, TypeDefinitionNode) and not self._links.owns(definition.name.value)
        }
        return Supergraph(
            subgraphs=dict(self._graphs.values()),
            roots=self._roots(types),
            types=types,
            possible=_possible_types(types),
            api_schema=build_api_schema(self._document, self._links),
            document=self._document,
        )

    def _read_graphs(self) -> Iterator[tuple[str, tuple[str, str]]]:
        for definition in self._document.definitions:
            if isinstance(definition, EnumTypeDefinitionNode) and definition.name.value == self._join["Graph"]:
                for value in definition.values or ():
                    yield value.name.value, self._graph(value.name.value, value.directives or ())
                return
        raise NotASupergraphError(f"the document defines no enum {self._join['Graph']}, so it is not a supergraph")

    def _graph(self, graph: str, directives: Iterable[ConstDirectiveNode]) -> tuple[str, str]:
        for given in self._given(directives, "graph"):
            return text(given.get("name")) or graph, text(given.get("url")) or ""
        raise InconsistentSupergraphError(f'the graph "{graph}" has neither name nor address')

    def _roots(self, types: Mapping[str, Type]) -> dict[str, str]:
        for definition in self._document.definitions:
            if isinstance(definition, SchemaDefinitionNode):
                return {root.operation.value: root.type.name.value for root in definition.operation_types}
        usual = {operation.value: operation.value.title() for operation in OperationType}
        return {kind: name for kind, name in usual.items() if name in types}

    def _type(self, node: TypeDefinitionNode) -> Type:
        kind = next((kind for cls, kind in _KINDS if isinstance(node, cls)), TypeKind.LEAF)
        subgraphs = self._type_memberships(node)
        return Type(
            name=node.name.value,
            kind=kind,
            subgraphs=subgraphs,
            fields=self._fields(node, subgraphs),
            interfaces=self._interfaces(node, subgraphs),
            members=self._members(node, subgraphs),
            contexts=frozenset(
                name
                for directive in node.directives or ()
                if directive.name.value == self._context and (name := text(arguments(directive).get("name")))
            ),
        )

    def _type_memberships(self, node: TypeDefinitionNode) -> dict[str, TypeInSubgraph]:
        entries: defaultdict[str, list[Mapping[str, ValueNode]]] = defaultdict(list)
        for given in self._given(node.directives, "type"):
            entries[self._graph_name(given.get("graph"))].append(given)
        if not entries and self._is_join_01:
            return {name: TypeInSubgraph(name) for name in self._names.values()}
        return {name: _type_in_subgraph(name, given) for name, given in entries.items()}

    def _fields(self, node: TypeDefinitionNode, owners: Mapping[str, TypeInSubgraph]) -> dict[str, Field]:
        if not isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            return {}
        owner = self._owner(node)
        return {
            field.name.value: Field(
                name=field.name.value,
                type=field.type,
                arguments={argument.name.value: argument.type for argument in field.arguments or ()},
                subgraphs=self._field_memberships(field, owners, owner),
            )
            for field in node.fields or ()
        }

    def _owner(self, node: TypeDefinitionNode) -> str | None:
        given = next(self._given(node.directives, "owner"), None)
        return None if given is None else self._graph_name(given.get("graph"))

    def _field_memberships(
        self, node: FieldDefinitionNode, owners: Mapping[str, TypeInSubgraph], owner: str | None
    ) -> dict[str, FieldInSubgraph]:
        given = list(self._given(node.directives, "field"))
        listed = [self._field_in_subgraph(node, entry) for entry in given if "graph" in entry]
        if self._is_join_01:
            return memberships_of_join_01(node, listed, owners, owner)
        if not given:
            return {name: FieldInSubgraph(name, node.type) for name in owners}
        return {entry.subgraph: entry for entry in listed}

    def _field_in_subgraph(self, node: FieldDefinitionNode, given: Mapping[str, ValueNode]) -> FieldInSubgraph:
        own_type = text(given.get("type"))
        return FieldInSubgraph(
            subgraph=self._graph_name(given.get("graph")),
            type=node.type if own_type is None else _read_type(own_type),
            external=_flag(given.get("external")),
            used_overridden=_flag(given.get("usedOverridden")),
            requires=text(given.get("requires")),
            provides=text(given.get("provides")),
            override=text(given.get("override")),
            override_label=text(given.get("overrideLabel")),
            context_arguments=tuple(_context_arguments(given.get("contextArguments"))),
        )

    def _interfaces(self, node: TypeDefinitionNode, owners: Mapping[str, TypeInSubgraph]) -> dict[str, frozenset[str]]:
        if not isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            return {}
        if self._is_join_01:
            named = frozenset(interface.name.value for interface in node.interfaces or ())
            return dict.fromkeys(owners, named)
        return self._sets(node, "implements", "interface")

    def _members(self, node: TypeDefinitionNode, owners: Mapping[str, TypeInSubgraph]) -> dict[str, frozenset[str]]:
        if not isinstance(node, UnionTypeDefinitionNode):
            return {}
        everywhere = frozenset(member.name.value for member in node.types or ())
        return self._sets(node, "unionMember", "member") or dict.fromkeys(owners, everywhere)

    def _sets(self, node: TypeDefinitionNode, directive: str, argument: str) -> dict[str, frozenset[str]]:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for given in self._given(node.directives, directive):
            if name := text(given.get(argument)):
                found[self._graph_name(given.get("graph"))].add(name)
        return {graph: frozenset(names) for graph, names in found.items()}

    def _given(self, directives: Iterable[ConstDirectiveNode] | None, name: str) -> Iterator[dict[str, ValueNode]]:
        local = self._join[name]
        return (arguments(directive) for directive in directives or () if directive.name.value == local)

    def _graph_name(self, value: ValueNode | None) -> str:
        graph = text(value)
        if graph is None or graph not in self._names:
            raise InconsistentSupergraphError(f'"{graph}" is not among the graphs of the supergraph')
        return self._names[graph]


def _type_in_subgraph(name: str, entries: Iterable[Mapping[str, ValueNode]]) -> TypeInSubgraph:
    given = list(entries)
    return TypeInSubgraph(
        subgraph=name,
        keys=tuple(
            Key(fields, _flag(entry.get("resolvable"), default=True))
            for entry in given
            if (fields := text(entry.get("key")))
        ),
        is_interface_object=any(_flag(entry.get("isInterfaceObject")) for entry in given),
        is_extension=any(_flag(entry.get("extension")) for entry in given),
    )


def _context_arguments(value: ValueNode | None) -> Iterator[ContextArgument]:
    for item in value.values if isinstance(value, ListValueNode) else ():
        if isinstance(item, ObjectValueNode):
            given = {entry.name.value: text(entry.value) or "" for entry in item.fields}
            yield ContextArgument(
                name=given.get("name", ""),
                type=given.get("type", ""),
                context=given.get("context", ""),
                selection=given.get("selection", ""),
            )


def _possible_types(types: Mapping[str, Type]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for type_ in types.values():
        if type_.kind is TypeKind.UNION:
            found[type_.name].update(*type_.members.values())
        elif type_.kind is TypeKind.OBJECT:
            for interface in frozenset().union(*type_.interfaces.values()):
                found[interface].add(type_.name)
    return {name: tuple(sorted(objects)) for name, objects in found.items()}


def _read_type(source: str) -> TypeNode:
    try:
        return parse_type(source, no_location=True)
    except GraphQLError as error:
        raise InconsistentSupergraphError(f'"{source}" is no type') from error


def _flag(value: ValueNode | None, *, default: bool = False) -> bool:
    return value.value if isinstance(value, BooleanValueNode) else default
