"""Makes the stock ledger: every movement that the order history implies, and the deliveries that made it possible.

Each SKU has a stream per warehouse. A stream is replayed against its orders in the order of time; when an order
would find too little, a delivery came in before it. So the ledger never goes below zero, and its sum is what
lies on the shelf today.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from runtime.demo_data.catalogue import Catalogue, Item
from runtime.demo_data.chance import Ids, stream
from runtime.demo_data.history import BoughtLine, Fate, PastOrder
from subgraphs.inventory.domain.stock import MovementType
from subgraphs.inventory.storage.bulk import MovementRow, PolicyRow, SkuRow, WarehouseRow

_WAREHOUSES: Final = (
    ("BER", "Berlin", "DE", "12529", 450),
    ("RTM", "Rotterdam", "NL", "3089", 420),
    ("EWR", "Newark", "US", "07114", 600),
)
"""Code, name, country, postal code, and what a parcel costs in minor units."""
_SOLD_OUT: Final = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """All of the inventory, ready to be loaded."""

    warehouses: tuple[WarehouseRow, ...]
    skus: tuple[SkuRow, ...]
    movements: tuple[MovementRow, ...]
    policies: tuple[PolicyRow, ...]


@dataclass(slots=True)
class _Stream:
    """What is known of one SKU in one warehouse while its story is being told."""

    sku: str
    warehouse_id: str
    reorder_point: int
    free: int = 0
    movements: list[MovementRow] = field(default_factory=list)

    def add(
        self,
        kind: MovementType,
        quantity: int,
        at: datetime,
        reference: str = "",
        reason: str = "",
        **details: str,
    ) -> None:
        self.movements.append(
            MovementRow(
                sku=self.sku,
                warehouse_id=self.warehouse_id,
                type=kind,
                quantity=quantity,
                occurred_at=at,
                reference=reference,
                reason=reason,
                details=details,
            )
        )


def make_stock(seed: int, catalogue: Catalogue, orders: Sequence[PastOrder], begin: datetime, now: datetime) -> Stock:
    """Make the ledger that leads from empty shelves to the stock of today."""
    chance = stream(seed, "stock")
    ids = Ids(chance)
    warehouses = tuple(
        WarehouseRow(
            id=ids.new("wh", begin),
            code=code,
            name=name,
            country=country,
            priority=priority,
            postal_code=postal_code,
            parcel_cost=parcel_cost,
        )
        for priority, (code, name, country, postal_code, parcel_cost) in enumerate(_WAREHOUSES)
    )
    wanted = _by_stream(orders)
    streams: list[_Stream] = []
    for item in catalogue.items:
        for variant in item.variants:
            for number, warehouse in enumerate(warehouses):
                told = _Stream(variant.sku, warehouse.id, chance.choice((3, 5, 8)))
                _fill_shelf(told, chance, item, number)
                for order, line in wanted.get((variant.sku, number), ()):
                    _sell(told, chance, ids, order, line)
                _end(told, chance, now)
                streams.append(told)
    movements = [movement for told in streams for movement in sorted(told.movements, key=_moment)]
    return Stock(
        warehouses=warehouses,
        skus=tuple(_skus(catalogue)),
        movements=tuple(sorted(movements, key=_moment)),
        policies=tuple(
            PolicyRow(sku=told.sku, warehouse_id=told.warehouse_id, reorder_point=told.reorder_point)
            for told in streams
        ),
    )


def _moment(movement: MovementRow) -> datetime:
    return movement.occurred_at


def _skus(catalogue: Catalogue) -> Iterator[SkuRow]:
    for item in catalogue.items:
        for variant in item.variants:
            name = f"{item.row.name} ({variant.name})"
            yield SkuRow(sku=variant.sku, product_id=item.row.id, variant_id=variant.id, name=name)


def _by_stream(orders: Sequence[PastOrder]) -> dict[tuple[str, int], list[tuple[PastOrder, BoughtLine]]]:
    wanted: dict[tuple[str, int], list[tuple[PastOrder, BoughtLine]]] = defaultdict(list)
    for order in orders:
        for line in order.lines:
            wanted[line.variant.sku, line.warehouse].append((order, line))
    return wanted


def _fill_shelf(told: _Stream, chance: random.Random, item: Item, number: int) -> None:
    quantity = chance.randint(12, 40) if number else chance.randint(25, 60)
    told.free = quantity
    told.add(MovementType.RECEIVED, quantity, item.launched_at, reason="First delivery")


def _sell(told: _Stream, chance: random.Random, ids: Ids, order: PastOrder, line: BoughtLine) -> None:
    """Tell one sale: reserved, allocated, and shipped, given back or returned."""
    if told.free - line.quantity < told.reorder_point // 2:
        batch = chance.randint(15, 45)
        told.add(MovementType.RECEIVED, batch, order.placed_at - timedelta(hours=1), reason="Delivery")
        told.free += batch
    reservation = ids.new("res", order.placed_at)
    told.add(MovementType.RESERVED, line.quantity, order.placed_at - timedelta(minutes=2), reservation)
    told.add(MovementType.ALLOCATED, line.quantity, order.placed_at, order.id, reservation_id=reservation)
    if order.fate is Fate.CANCELLED:
        told.add(
            MovementType.DEALLOCATED, line.quantity, order.ended_at or order.placed_at, order.id, "Order cancelled"
        )
        return
    told.free -= line.quantity
    told.add(MovementType.SHIPPED, line.quantity, order.shipped_at or order.placed_at, order.id)
    if order.fate is Fate.RETURNED:
        ended = order.ended_at or order.placed_at
        told.add(MovementType.RETURNED, line.quantity, ended, order.id, "Return", shipped_from=told.warehouse_id)


def _end(told: _Stream, chance: random.Random, now: datetime) -> None:
    """Count the shelf today: a few are found empty, a few short ones were just filled."""
    on_hand = sum(_change(movement) for movement in told.movements)
    yesterday = now - timedelta(days=1)
    if chance.random() < _SOLD_OUT:
        told.add(MovementType.ADJUSTED, -on_hand, yesterday, reason="Stocktake")
    elif on_hand < 2 * told.reorder_point and chance.random() < 0.7:
        told.add(MovementType.RECEIVED, chance.randint(15, 45), yesterday, reason="Delivery")


def _change(movement: MovementRow) -> int:
    if movement.type in {MovementType.RECEIVED, MovementType.ADJUSTED, MovementType.RETURNED}:
        return movement.quantity
    return -movement.quantity if movement.type is MovementType.SHIPPED else 0
