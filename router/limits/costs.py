"""What a supergraph says things cost: the weights of `@cost` and the list sizes of `@listSize`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ConstDirectiveNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    value_from_ast_untyped,
)

from router.supergraph import Supergraph
from router.supergraph.links import Links, read_links
from router.supergraph.types import list_depth, named_type


@dataclass(frozen=True, slots=True)
class ListSize:
    """What `@listSize` says of a field."""

    assumed: float | None = None
    slicing: tuple[str, ...] = ()
    sized: tuple[str, ...] = ()
    require_one: bool = True


@dataclass(frozen=True, slots=True)
class InputCost:
    """An argument, or a field of an input object; `weight` is its own, if it has one."""

    type: TypeNode
    weight: float | None
    default: Any


@dataclass(frozen=True, slots=True)
class FieldCost:
    """A field: the type it leads to, what one value of it costs, and how many there may be."""

    type: str
    is_list: bool
    weight: float
    sizes: tuple[ListSize, ...] = ()
    arguments: Mapping[str, InputCost] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CostRules:
    """Costs by the names of the supergraph.

    Attributes:
        fields: by type and field.
        inputs: the fields of input objects, by the name of the object.
        weights: of input objects and leaves.
    """

    fields: Mapping[tuple[str, str], FieldCost]
    inputs: Mapping[str, Mapping[str, InputCost]]
    weights: Mapping[str, float]

    def of_input(self, kind: str, own: float | None) -> float:
        """Return what a value of an input type costs itself, where its place says `own`."""
        return self.weights.get(kind, 0.0) if own is None else own


def cost_rules(supergraph: Supergraph) -> CostRules:
    """Read the costs of a supergraph."""
    return _Reader(supergraph).rules()


class _Reader:
    def __init__(self, supergraph: Supergraph) -> None:
        self._supergraph = supergraph
        self._links: Links = read_links(supergraph.document)
        self._cost = self._links.directive("cost", "cost")
        self._list_size = self._links.directive("cost", "listSize")
        definitions = supergraph.document.definitions
        self._types = {each.name.value: each for each in definitions if isinstance(each, TypeDefinitionNode)}

    def rules(self) -> CostRules:
        fields: dict[tuple[str, str], FieldCost] = {}
        inputs: dict[str, Mapping[str, InputCost]] = {}
        for name, node in self._types.items():
            if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
                fields.update(self._fields(name, node))
            elif isinstance(node, InputObjectTypeDefinitionNode):
                inputs[name] = self._inputs(node.fields)
        return CostRules(fields, inputs, {name: self._weight(name) for name in self._types})

    def _fields(
        self, owner: str, node: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode
    ) -> Iterator[tuple[tuple[str, str], FieldCost]]:
        for each in node.fields or ():
            kind = named_type(each.type)
            own = self._own_weight(each.directives)
            yield (
                (owner, each.name.value),
                FieldCost(
                    type=kind,
                    is_list=list_depth(each.type) > 0,
                    weight=self._weight(kind) if own is None else own,
                    sizes=tuple(self._sizes(node, each)),
                    arguments=self._inputs(each.arguments),
                ),
            )

    def _sizes(
        self, node: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode, definition: FieldDefinitionNode
    ) -> Iterator[ListSize]:
        """Yield what is said of a field's lists, by itself and by the interfaces that it comes from."""
        yield from self._own_sizes(definition)
        for interface in node.interfaces or ():
            found = self._types.get(interface.name.value)
            for each in getattr(found, "fields", None) or ():
                if each.name.value == definition.name.value:
                    yield from self._own_sizes(each)

    def _own_sizes(self, definition: FieldDefinitionNode) -> Iterator[ListSize]:
        for each in definition.directives or ():
            if each.name.value == self._list_size:
                given = _given(each)
                yield ListSize(
                    assumed=given.get("assumedSize"),
                    slicing=tuple(given.get("slicingArguments") or ()),
                    sized=tuple(given.get("sizedFields") or ()),
                    require_one=given.get("requireOneSlicingArgument", True) is not False,
                )

    def _inputs(self, nodes: Iterable[InputValueDefinitionNode] | None) -> dict[str, InputCost]:
        return {
            each.name.value: InputCost(
                each.type,
                self._own_weight(each.directives),
                None if each.default_value is None else value_from_ast_untyped(each.default_value),
            )
            for each in nodes or ()
        }

    def _weight(self, name: str) -> float:
        node = self._types.get(name)
        own = self._own_weight(None if node is None else node.directives)
        if own is not None:
            return own
        return 0.0 if node is None or isinstance(node, ScalarTypeDefinitionNode | EnumTypeDefinitionNode) else 1.0

    def _own_weight(self, directives: Iterable[ConstDirectiveNode] | None) -> float | None:
        found = next((each for each in directives or () if each.name.value == self._cost), None)
        return None if found is None else float(_given(found).get("weight", 0))


def _given(directive: ConstDirectiveNode) -> dict[str, Any]:
    return {each.name.value: value_from_ast_untyped(each.value) for each in directive.arguments or ()}
