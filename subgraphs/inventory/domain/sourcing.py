"""From which warehouses an order is served: from as few as possible, the preferred ones first.

Every extra warehouse is an extra parcel, so the smallest set of warehouses that can serve all lines wins; among
sets of one size the one that comes first by priority. Trying all sets is exact and cheap for the handful of
warehouses that a shop has; beyond `EXACT_LIMIT` all of them are used in the order of priority.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from subgraphs.inventory.domain.errors import InsufficientStockError, Shortage

EXACT_LIMIT: Final = 8


@dataclass(frozen=True, slots=True)
class Supply:
    """How many of a SKU a warehouse can promise; a lower `priority` is preferred."""

    sku: str
    warehouse_id: str
    available: int
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Pick:
    """So many of a SKU from this warehouse."""

    sku: str
    warehouse_id: str
    quantity: int


SourcingStrategy = Callable[[Mapping[str, int], Sequence[Supply]], tuple[Pick, ...]]
"""Chooses where wanted quantities come from, or raises `InsufficientStockError`."""


def fewest_splits(wanted: Mapping[str, int], supplies: Sequence[Supply]) -> tuple[Pick, ...]:
    """Serve all lines from the fewest warehouses.

    Raises:
        InsufficientStockError: all warehouses together have too little of some SKU.
    """
    stock: dict[str, dict[str, int]] = {sku: {} for sku in wanted}
    for supply in sorted(supplies, key=lambda each: (each.priority, each.warehouse_id)):
        if supply.sku in stock and supply.available > 0:
            stock[supply.sku][supply.warehouse_id] = supply.available
    _refuse_shortages(wanted, stock)
    chosen = _smallest_set(wanted, stock, _by_priority(supplies))
    return tuple(pick for sku in sorted(wanted) for pick in _pick(sku, wanted[sku], stock[sku], chosen))


def _refuse_shortages(wanted: Mapping[str, int], stock: Mapping[str, Mapping[str, int]]) -> None:
    short = [
        Shortage(sku, quantity, total)
        for sku, quantity in wanted.items()
        if (total := sum(stock[sku].values())) < quantity
    ]
    if short:
        raise InsufficientStockError(short)


def _by_priority(supplies: Iterable[Supply]) -> list[str]:
    ordered = sorted(supplies, key=lambda each: (each.priority, each.warehouse_id))
    return list(dict.fromkeys(each.warehouse_id for each in ordered))


def _smallest_set(
    wanted: Mapping[str, int], stock: Mapping[str, Mapping[str, int]], warehouses: Sequence[str]
) -> Sequence[str]:
    if len(warehouses) > EXACT_LIMIT:
        return warehouses
    for size in range(1, len(warehouses)):
        for candidate in combinations(warehouses, size):
            if all(sum(stock[sku].get(each, 0) for each in candidate) >= wanted[sku] for sku in wanted):
                return candidate
    return warehouses


def _pick(sku: str, quantity: int, stock: Mapping[str, int], chosen: Sequence[str]) -> list[Pick]:
    """Take a line from one warehouse if one has it all, else empty them in the order of priority."""
    for warehouse in chosen:
        if stock.get(warehouse, 0) >= quantity:
            return [Pick(sku, warehouse, quantity)]
    picks: list[Pick] = []
    for warehouse in chosen:
        taken = min(quantity, stock.get(warehouse, 0))
        if taken:
            picks.append(Pick(sku, warehouse, taken))
            quantity -= taken
    return picks
