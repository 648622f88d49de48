"""From which warehouses an order is served: pluggable strategies, each a function of what is wanted and what there is.

- `fewest_splits`: every extra warehouse is an extra parcel, so the smallest set of warehouses that can serve all
  lines wins; among sets of one size the one that comes first by priority.
- `nearest`: the least way for the goods, line by line.
- `cheapest`: the set of warehouses with the lowest sum of parcel costs, each by its own price and its distance.
- `by_priority`: strictly in the order of priority.

Trying all sets is exact and cheap for the handful of warehouses that a shop has; beyond `EXACT_LIMIT` warehouses
the lines are served greedily in the strategy's order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from subgraphs.inventory.domain.errors import InsufficientStockError, Shortage

EXACT_LIMIT: Final = 8
COST_PER_1000_KM: Final = 150
"""What a parcel's way costs in minor units, beside its warehouse's own price for a parcel."""
_UNKNOWN_DISTANCE: Final = 20_037.0
"""Half the earth's circumference: where nothing is known about a warehouse's place, all others are nearer."""


@dataclass(frozen=True, slots=True)
class Supply:
    """How many of a SKU a warehouse can promise; a lower `priority` is preferred."""

    sku: str
    warehouse_id: str
    available: int
    priority: int = 0
    distance_km: float | None = None
    parcel_cost: int = 0


@dataclass(frozen=True, slots=True)
class Pick:
    """So many of a SKU from this warehouse."""

    sku: str
    warehouse_id: str
    quantity: int


SourcingStrategy = Callable[[Mapping[str, int], Sequence[Supply]], tuple[Pick, ...]]
"""Chooses where wanted quantities come from, or raises `InsufficientStockError`."""

_Stock = Mapping[str, Mapping[str, int]]
_Order = Callable[[Supply], float]


def fewest_splits(wanted: Mapping[str, int], supplies: Sequence[Supply]) -> tuple[Pick, ...]:
    """Serve all lines from the fewest warehouses.

    Raises:
        InsufficientStockError: all warehouses together have too little of some SKU.
    """
    ordered = _ordered(supplies, _priority)
    stock = _stock(wanted, supplies)
    return _picks(wanted, stock, _smallest_set(wanted, stock, [each.warehouse_id for each in ordered]))


def nearest(wanted: Mapping[str, int], supplies: Sequence[Supply]) -> tuple[Pick, ...]:
    """Serve each line from the warehouse nearest to the address that has it.

    Raises:
        InsufficientStockError: all warehouses together have too little of some SKU.
    """
    return _greedy(wanted, supplies, _kilometres)


def by_priority(wanted: Mapping[str, int], supplies: Sequence[Supply]) -> tuple[Pick, ...]:
    """Serve each line from the preferred warehouse that has it.

    Raises:
        InsufficientStockError: all warehouses together have too little of some SKU.
    """
    return _greedy(wanted, supplies, _priority)


def cheapest(wanted: Mapping[str, int], supplies: Sequence[Supply]) -> tuple[Pick, ...]:
    """Serve all lines from the warehouses whose parcels cost least together.

    Raises:
        InsufficientStockError: all warehouses together have too little of some SKU.
    """
    ordered = _ordered(supplies, _cost)
    stock = _stock(wanted, supplies)
    costs = {each.warehouse_id: _cost(each) for each in ordered}
    names = list(costs)
    sets = [names]
    if len(names) <= EXACT_LIMIT:
        able = (each for size in range(1, len(names) + 1) for each in combinations(names, size))
        sets = [list(each) for each in able if _suffices(wanted, stock, each)]
    best = min(sets, key=lambda each: (sum(costs[name] for name in each), len(each)))
    return _picks(wanted, stock, best)


STRATEGIES: Final[Mapping[str, SourcingStrategy]] = {
    "fewest_splits": fewest_splits,
    "nearest": nearest,
    "cheapest": cheapest,
    "priority": by_priority,
}
"""The strategies by the names that the settings know."""


def _greedy(wanted: Mapping[str, int], supplies: Sequence[Supply], order: _Order) -> tuple[Pick, ...]:
    names = [each.warehouse_id for each in _ordered(supplies, order)]
    stock = _stock(wanted, supplies)
    return tuple(pick for sku in sorted(wanted) for pick in _drain(sku, wanted[sku], stock[sku], names))


def _stock(wanted: Mapping[str, int], supplies: Iterable[Supply]) -> _Stock:
    """Lay out what is wanted and there, by SKU and warehouse; refuse what all of it cannot serve."""
    stock: dict[str, dict[str, int]] = {sku: {} for sku in wanted}
    for supply in supplies:
        if supply.sku in stock and supply.available > 0:
            stock[supply.sku][supply.warehouse_id] = supply.available
    short = [
        Shortage(sku, quantity, total)
        for sku, quantity in wanted.items()
        if (total := sum(stock[sku].values())) < quantity
    ]
    if short:
        raise InsufficientStockError(short)
    return stock


def _ordered(supplies: Iterable[Supply], order: _Order) -> list[Supply]:
    """One supply for each warehouse, the best first; its priority decides between equals."""
    best: dict[str, Supply] = {}
    for supply in sorted(supplies, key=lambda each: (order(each), each.priority, each.warehouse_id)):
        best.setdefault(supply.warehouse_id, supply)
    return list(best.values())


def _priority(supply: Supply) -> float:
    return supply.priority


def _kilometres(supply: Supply) -> float:
    return _UNKNOWN_DISTANCE if supply.distance_km is None else supply.distance_km


def _cost(supply: Supply) -> float:
    return supply.parcel_cost + _kilometres(supply) / 1000 * COST_PER_1000_KM


def _suffices(wanted: Mapping[str, int], stock: _Stock, names: Sequence[str]) -> bool:
    return all(sum(stock[sku].get(each, 0) for each in names) >= wanted[sku] for sku in wanted)


def _smallest_set(wanted: Mapping[str, int], stock: _Stock, names: Sequence[str]) -> Sequence[str]:
    if len(names) > EXACT_LIMIT:
        return names
    for size in range(1, len(names)):
        for candidate in combinations(names, size):
            if _suffices(wanted, stock, candidate):
                return candidate
    return names


def _picks(wanted: Mapping[str, int], stock: _Stock, names: Sequence[str]) -> tuple[Pick, ...]:
    """Take each line from one warehouse if one of these has it all, else empty them in their order."""
    picks: list[Pick] = []
    for sku in sorted(wanted):
        alone = next((name for name in names if stock[sku].get(name, 0) >= wanted[sku]), None)
        picks += _drain(sku, wanted[sku], stock[sku], names if alone is None else [alone])
    return tuple(picks)


def _drain(sku: str, quantity: int, stock: Mapping[str, int], names: Iterable[str]) -> Iterable[Pick]:
    """Take what each warehouse has, in their order, until the line is served."""
    for name in names:
        taken = min(quantity, stock.get(name, 0))
        if taken:
            quantity -= taken
            yield Pick(sku, name, taken)
