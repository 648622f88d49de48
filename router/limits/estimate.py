"""What an operation will cost, told from its plan before it runs, by the formula that Apollo's router publishes.

    cost(operation) = (10 if it is a mutation) + the fields at its root
    cost(field)     = instances x (weight + the fields below) + the arguments
    instances       = 1, or for a list: the size that the parent's @listSize(sizedFields) gives, else the largest of the
                      field's own @listSize, else the size that is assumed of lists
    cost(plan)      = all requests to subgraphs together; of a subscription the first

Most of it is known when an operation is planned. What depends on variables is left open as a function of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    ListTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    TypeNode,
    ValueNode,
    VariableNode,
    parse,
    value_from_ast_untyped,
)

from router.execution.selections import fragment_of
from router.limits.costs import CostRules, FieldCost, InputCost, ListSize
from router.planner.plan import QueryPlan
from router.supergraph.types import named_type

Variables: TypeAlias = Mapping[str, Any]
Amount: TypeAlias = float | Callable[[Variables], float]
"""A number, or what makes it of an operation's variables."""

MUTATION: Final = 10.0
ENTITIES: Final = "_entities"


class SlicingError(Exception):
    """A list is asked for without saying how long, or by more than one argument, though exactly one must say it."""


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What a plan costs in each subgraph."""

    subgraphs: Mapping[str, Amount]

    @property
    def is_settled(self) -> bool:
        """Whether it does not depend on variables."""
        return all(isinstance(each, float) for each in self.subgraphs.values())

    def by_subgraph(self, variables: Variables) -> dict[str, float]:
        """Return the costs for some variables.

        Raises:
            SlicingError: they do not say how long a list is.
        """
        return {name: value_of(amount, variables) for name, amount in self.subgraphs.items()}


def value_of(amount: Amount, variables: Variables) -> float:
    """Return an amount for some variables."""
    return amount if isinstance(amount, float) else amount(variables)


def total(amounts: Iterable[Amount]) -> Amount:
    """Add amounts."""
    fixed = 0.0
    open_ones: list[Callable[[Variables], float]] = []
    for each in amounts:
        if isinstance(each, float):
            fixed += each
        else:
            open_ones.append(each)
    if not open_ones:
        return fixed
    return lambda variables: fixed + sum(each(variables) for each in open_ones)


def product(one: Amount, other: Amount) -> Amount:
    """Multiply two amounts."""
    if isinstance(one, float) and isinstance(other, float):
        return one * other
    return lambda variables: value_of(one, variables) * value_of(other, variables)


@dataclass(frozen=True, slots=True)
class Estimator:
    """Estimates costs.

    Attributes:
        rules: what things cost.
        list_size: how many items a list is taken to have.
        list_sizes: the same by subgraph, where it is another.
        roots: the names of the root types, by kind of operation.
    """

    rules: CostRules
    roots: Mapping[str, str]
    list_size: float
    list_sizes: Mapping[str, float] = field(default_factory=dict)

    def plan(self, plan: QueryPlan) -> PlanCost:
        """Return what a plan costs.

        Raises:
            SlicingError: a list is asked for without saying how long.
        """
        found: defaultdict[str, list[Amount]] = defaultdict(list)
        for fetch in plan.fetches[:1] if plan.kind == "subscription" else plan.fetches:
            found[fetch.subgraph].append(self.document(fetch.document, fetch.subgraph))
        return PlanCost({name: total(amounts) for name, amounts in found.items()})

    def document(self, text: str, subgraph: str = "") -> Amount:
        """Return what a request to a subgraph costs."""
        definitions = parse(text, no_location=True).definitions
        fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
        size = self.list_sizes.get(subgraph, self.list_size)
        (operation,) = (each for each in definitions if isinstance(each, OperationDefinitionNode))
        return self._operation(operation, fragments, size)

    def operation(self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Amount:
        """Return what a client's operation costs, whichever subgraphs answer it."""
        return self._operation(operation, fragments, self.list_size)

    def _operation(
        self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], size: float
    ) -> Amount:
        walk = _Walk(self.rules, fragments, size)
        fields = walk.selections(self.roots.get(operation.operation.value, ""), operation.selection_set, {})
        return total([MUTATION if operation.operation is OperationType.MUTATION else 0.0, fields])


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk through one document."""

    rules: CostRules
    fragments: Mapping[str, FragmentDefinitionNode]
    list_size: float

    def selections(self, owner: str, node: SelectionSetNode, sizes: Mapping[str, Amount]) -> Amount:
        return total([self._selection(owner, each, sizes) for each in node.selections])

    def _selection(self, owner: str, node: SelectionNode, sizes: Mapping[str, Amount]) -> Amount:
        if _left_out(node):
            return 0.0
        if isinstance(node, FieldNode):
            return self._field(owner, node, sizes)
        fragment = fragment_of(node, self.fragments)
        condition = fragment.type_condition
        return self.selections(owner if condition is None else condition.name.value, fragment.selection_set, sizes)

    def _field(self, owner: str, node: FieldNode, sizes: Mapping[str, Amount]) -> Amount:
        name = node.name.value
        if name == ENTITIES and node.selection_set is not None:
            return product(self.list_size, total([1.0, self.selections("", node.selection_set, {})]))
        cost = self.rules.fields.get((owner, name))
        if cost is None:
            return 0.0
        expected = [(each, self._expected(cost, each, node)) for each in cost.sizes]
        sized = {inner: amount for each, amount in expected if amount is not None for inner in each.sized}
        instances: Amount = 1.0
        if cost.is_list:
            own = [amount for each, amount in expected if amount is not None and not each.sized]
            instances = sizes[name] if name in sizes else _largest(own, self.list_size)
        below = self.selections(cost.type, node.selection_set, sized) if node.selection_set else 0.0
        arguments = [
            self._argument(cost.arguments[each.name.value], each.value)
            for each in node.arguments or ()
            if each.name.value in cost.arguments
        ]
        return total([product(instances, total([cost.weight, below])), *arguments])

    def _expected(self, cost: FieldCost, size: ListSize, node: FieldNode) -> Amount | None:
        """Return how many items one `@listSize` expects."""
        given = {each.name.value: each.value for each in node.arguments or ()}
        found: list[Callable[[Variables], Any]] = []
        for name in size.slicing:
            value = given.get(name)
            if isinstance(value, VariableNode):
                found.append(_lookup(value.name.value))
            else:
                default = cost.arguments[name].default if name in cost.arguments else None
                found.append(_constant(default if value is None else value_from_ast_untyped(value)))
        if any(isinstance(given.get(name), VariableNode) for name in size.slicing):
            return lambda variables: _size(size, [each(variables) for each in found], self.list_size)
        values = [each({}) for each in found]
        if not size.slicing and size.assumed is None:
            return None
        return _size(size, values, self.list_size)

    def _argument(self, definition: InputCost, value: ValueNode) -> Amount:
        if isinstance(value, VariableNode):
            name = value.name.value
            return lambda variables: self._value(definition.type, definition.weight, variables.get(name))
        used = _variables_in(value)
        if used:
            return lambda variables: self._value(
                definition.type, definition.weight, value_from_ast_untyped(value, dict(variables))
            )
        return self._value(definition.type, definition.weight, value_from_ast_untyped(value))

    def _value(self, kind: TypeNode, own: float | None, value: Any) -> float:
        """Return what a value costs that goes into an argument, or into a field of an input object."""
        if value is None:
            return 0.0
        while isinstance(kind, NonNullTypeNode):
            kind = kind.type
        if isinstance(kind, ListTypeNode):
            items: Iterable[Any] = value if type(value) in {list, tuple} else [value]
            return (own or 0.0) + sum(self._value(kind.type, None, each) for each in items)
        name = named_type(kind)
        weight = self.rules.of_input(name, own)
        fields = self.rules.inputs.get(name)
        if fields is None or not isinstance(value, Mapping):
            return weight
        known = ((fields[key], inner) for key, inner in value.items() if key in fields)
        return weight + sum(self._value(each.type, each.weight, inner) for each, inner in known)


def _left_out(node: SelectionNode) -> bool:
    for directive in node.directives or ():
        value = directive.arguments[0].value if directive.arguments else None
        name = directive.name.value
        if isinstance(value, BooleanValueNode) and name in {"skip", "include"} and value.value is (name == "skip"):
            return True
    return False


def _largest(amounts: list[Amount], otherwise: float) -> Amount:
    if not amounts:
        return otherwise
    fixed = [each for each in amounts if isinstance(each, float)]
    if len(fixed) == len(amounts):
        return max(fixed)
    return lambda variables: max(value_of(each, variables) for each in amounts)


def _size(size: ListSize, values: list[Any], otherwise: float) -> float:
    given = [float(each) for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
    if size.slicing and size.require_one and len(given) != 1:
        names = ", ".join(size.slicing)
        raise SlicingError(f"exactly one of these arguments must say how long a list is: {names}")
    if given:
        return max(0.0, *given)
    return otherwise if size.assumed is None else float(size.assumed)


def _lookup(name: str) -> Callable[[Variables], Any]:
    return lambda variables: variables.get(name)


def _constant(value: Any) -> Callable[[Variables], Any]:
    return lambda _variables: value


def _variables_in(node: ValueNode) -> bool:
    if isinstance(node, VariableNode):
        return True
    inner = [*getattr(node, "values", ()), *(each.value for each in getattr(node, "fields", ()))]
    return any(_variables_in(each) for each in inner)
