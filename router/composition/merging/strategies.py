"""How the arguments of some directives are merged where subgraphs give different ones."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from router.sdl.values import Value, canonical

Strategy = Callable[[list[Value]], Value]
Alternatives = list[list[str]]
"""Demands in disjunctive form: any of the lists, all of its items."""


def highest(values: list[Value]) -> Value:
    """Return the highest of the values that are given."""
    return max((it for it in values if it is not None), default=None)


def union(values: list[Value]) -> Value:
    """Return all items of the lists that are given."""
    given = [it for it in values if it is not None]
    return list({canonical(item): item for it in given for item in it}.values()) if given else None


def conjunction(values: list[Value]) -> Value:
    """Return whether all that are given are true."""
    given = [it for it in values if it is not None]
    return all(given) if given else None


def all_demands(values: list[Value]) -> Alternatives:
    """Return the demands that hold where each of several demands holds, without the alternatives that others imply."""
    normal = [sorted(sorted(set(map(str, group))) for group in value or [[]]) for value in values]
    distinct = list({canonical(it): it for it in normal}.values())
    combined = {frozenset().union(*map(frozenset, choice)) for choice in product(*distinct)}
    minimal = [it for it in combined if not any(other < it for other in combined)]
    return sorted((sorted(it) for it in minimal), key=lambda group: (len(group), group))


STRATEGIES: dict[str, dict[str, Strategy]] = {
    "cost": {"weight": highest},
    "listSize": {
        "assumedSize": highest,
        "slicingArguments": union,
        "sizedFields": union,
        "requireOneSlicingArgument": conjunction,
    },
    "requiresScopes": {"scopes": all_demands},
    "policy": {"policies": all_demands},
}
