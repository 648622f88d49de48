"""Availability of any number of SKUs or products, read in one statement.

The held lines of all wanted SKUs are summed once and joined, so that the cost grows with the stock that is asked
for and not with a lookup for each level. Of a bundle there are as many as can be put together from its parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    Row,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.availability import Availability, Reading, earlier
from subgraphs.inventory.domain.reservations import ReservationState
from subgraphs.inventory.storage.ledger import Statement, standing_of, standings
from subgraphs.inventory.storage.tables import bundles, reservation_lines, skus, stock_levels

_STAMP: Final[ColumnElement[int]] = literal_column(
    "(SELECT pg_snapshot_xmax(s)::text::bigint - (SELECT count(*) FROM pg_snapshot_xip(s))"
    " FROM pg_current_snapshot() AS s)",
    BigInteger,
)
"""How many transactions had ended when this statement took its snapshot: the order of all snapshots of a server."""


_WANTED: Final = bindparam("wanted", type_=ARRAY(Text))
_NOW: Final = bindparam("now", type_=DateTime(timezone=True))


async def read_skus(session: AsyncSession, wanted: Collection[str], now: datetime) -> Mapping[str, Reading]:
    """Read these SKUs; what has never been in stock is left out."""
    return _add_up(await session.execute(_OF_SKUS, {"wanted": sorted(set(wanted)), "now": now}))


async def read_products(session: AsyncSession, wanted: Collection[str], now: datetime) -> Mapping[str, Reading]:
    """Read these products, each the sum of its SKUs; what has never been in stock is left out."""
    return _add_up(await session.execute(_OF_PRODUCTS, {"wanted": sorted(set(wanted)), "now": now}))


def _statement(wanted: Statement) -> Statement:
    parts = _parts(wanted.cte("wanted"))
    line = reservation_lines.c
    held = (
        select(
            line.sku,
            line.warehouse_id,
            func.coalesce(func.sum(line.quantity).filter(line.expires_at <= _NOW), 0).label("expired"),
            func.min(line.expires_at).filter(line.expires_at > _NOW).label("changes_at"),
        )
        .where(line.state == ReservationState.HELD.value, line.sku.in_(select(parts.c.part)))
        .group_by(line.sku, line.warehouse_id)
        .subquery("held")
    )
    return (
        standings(
            func.coalesce(held.c.expired, 0).label("expired"),
            held.c.changes_at,
            _STAMP.label("stamp"),
            parts.c.key,
            parts.c.sku.label("whole"),
            parts.c.needed,
            parts.c.parts,
        )
        .join(parts, parts.c.part == stock_levels.c.sku)
        .outerjoin(held, and_(held.c.sku == stock_levels.c.sku, held.c.warehouse_id == stock_levels.c.warehouse_id))
        .order_by(stock_levels.c.sku, stock_levels.c.warehouse_id)
    )


def _parts(wanted: CTE) -> CTE:
    """Name what each wanted SKU is put together from: a bundle from its parts, any other from itself."""
    bundled = select(
        wanted.c.key,
        wanted.c.sku,
        bundles.c.part_sku.label("part"),
        bundles.c.quantity.label("needed"),
        func.count().over(partition_by=(wanted.c.key, wanted.c.sku)).label("parts"),
    ).join(bundles, bundles.c.bundle_sku == wanted.c.sku)
    single = select(wanted.c.key, wanted.c.sku, wanted.c.sku, literal(1), literal(1)).where(
        ~select(bundles.c.part_sku).where(bundles.c.bundle_sku == wanted.c.sku).exists()
    )
    return bundled.union_all(single).cte("parts")


_NAME: Final = func.unnest(_WANTED).column_valued("name")
_OF_SKUS: Final = _statement(select(_NAME.label("key"), _NAME.label("sku")))
_OF_PRODUCTS: Final = _statement(
    select(skus.c.product_id.label("key"), skus.c.sku).where(skus.c.product_id == any_(_WANTED))
)
"""Both are put together once: that costs more than to run them."""


def _add_up(rows: Iterable[Row[Any]]) -> Mapping[str, Reading]:
    wholes: dict[tuple[str, str], _Whole] = {}
    for row in rows:
        wholes.setdefault((row.key, row.whole), _Whole(row.parts, row.stamp)).add(row)
    found: dict[str, Reading] = {}
    for (key, _), whole in wholes.items():
        reading = whole.reading()
        found[key] = found[key].plus(reading) if key in found else reading
    return found


@dataclass(slots=True)
class _Whole:
    """A SKU while its parts are gathered."""

    parts: int
    stamp: int
    stock: dict[str, tuple[int, dict[str, int]]] = field(default_factory=dict[str, tuple[int, dict[str, int]]])
    reorder_point: int = 0
    changes_at: datetime | None = None

    def add(self, row: Row[Any]) -> None:
        standing = standing_of(row, expired=row.expired)
        _, places = self.stock.setdefault(row.sku, (row.needed, {}))
        if not standing.active:
            return
        level = standing.level
        places[level.warehouse_id] = max(0, level.available)
        self.reorder_point += level.reorder_point if self.parts == 1 else 0
        self.changes_at = earlier(self.changes_at, row.changes_at)

    def reading(self) -> Reading:
        """Tell how many can be put together; none while a part has never been in stock."""
        stock = list(self.stock.values()) if len(self.stock) == self.parts else []
        shared = sorted(set.intersection(*(set(places) for _, places in stock))) if stock else []
        quantity = min((sum(places.values()) // needed for needed, places in stock), default=0)
        by_warehouse = {name: min(places[name] // needed for needed, places in stock) for name in shared}
        found = Availability(quantity=quantity, reorder_point=self.reorder_point, by_warehouse=by_warehouse)
        return Reading(availability=found, stamp=self.stamp, stable_until=self.changes_at)
