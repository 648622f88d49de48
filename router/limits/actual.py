"""What an answer has cost: each object its weight, each other value its own, lists item by item.

The walk through an answer is put together once for each operation, and looks only at what costs something: of a list of
objects that hold nothing but plain values, the length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import FieldNode, OperationType, SelectionSetNode

from router.execution.documents import Document
from router.execution.selections import fragment_of
from router.limits.costs import CostRules
from router.limits.estimate import MUTATION

Count: TypeAlias = Callable[[Any], float]
"""Returns what a value of the answer costs; it is no null."""


def actual_cost(rules: CostRules, roots: dict[str, str], document: Document, name: str | None) -> Count:
    """Return what tells the cost of an operation's answers, from their data."""
    operation = document.operation(name)
    root = _Place()
    _Collector(rules, document).collect(roots.get(operation.operation.value, ""), operation.selection_set, root)
    counts = root.counts()
    start = MUTATION if operation.operation is OperationType.MUTATION else 0.0

    def count(data: Any) -> float:
        return start if data is None else start + _object(data, counts)

    return count


@dataclass(slots=True)
class _Place:
    """What stands under one key of the answer, for all types of objects together."""

    weight: float = 0.0
    below: dict[str, _Place] = field(default_factory=dict)

    def counts(self) -> list[tuple[str, Count]]:
        return [(key, place.count()) for key, place in self.below.items() if place.costs]

    @property
    def costs(self) -> bool:
        return bool(self.weight) or any(each.costs for each in self.below.values())

    def count(self) -> Count:
        weight, counts = self.weight, self.counts()

        def value(found: Any) -> float:
            if type(found) is list:
                if not counts and None not in found and not (found and type(found[0]) is list):
                    return weight * len(found)
                return sum(value(each) for each in found if each is not None)
            return weight + _object(found, counts) if counts else weight

        return value


def _object(found: dict[str, Any], counts: list[tuple[str, Count]]) -> float:
    cost = 0.0
    for key, count in counts:
        value = found.get(key)
        if value is not None:
            cost += count(value)
    return cost


@dataclass(slots=True)
class _Collector:
    rules: CostRules
    document: Document
    done: set[tuple[int, str, int]] = field(default_factory=set)

    def collect(self, owner: str, node: SelectionSetNode, into: _Place) -> None:
        if (id(node), owner, id(into)) in self.done:
            return
        self.done.add((id(node), owner, id(into)))
        for each in node.selections:
            if not isinstance(each, FieldNode):
                fragment = fragment_of(each, self.document.fragments)
                condition = fragment.type_condition
                self.collect(owner if condition is None else condition.name.value, fragment.selection_set, into)
                continue
            cost = self.rules.fields.get((owner, each.name.value))
            if cost is None:
                continue
            place = into.below.setdefault((each.alias or each.name).value, _Place())
            place.weight = max(place.weight, cost.weight)
            if each.selection_set is not None:
                self.collect(cost.type, each.selection_set, place)
