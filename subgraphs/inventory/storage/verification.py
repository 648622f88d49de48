"""The proof that the books are right: every level is the sum of its ledger, and every promise is in a level.

It goes through the SKUs in portions. Each portion is one statement, so it sees one moment, and since ledger and
read models are always written together, whatever differs is a fault and no race. No transaction stays open, so
it can run while the shop sells, however long the ledger is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import orjson
from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.inventory.domain.stock import EFFECTS


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A figure that is not what another one says it must be."""

    sku: str
    warehouse_id: str
    figure: str
    expected: int
    found: int


_EFFECTS: Final = orjson.dumps([{"type": kind.value, **asdict(effect)} for kind, effect in EFFECTS.items()]).decode()
_NEXT: Final = text(
    """
    WITH RECURSIVE told (sku) AS (
        (SELECT min(sku) FROM stock_events WHERE sku > :after)
        UNION ALL
        SELECT (SELECT min(event.sku) FROM stock_events AS event WHERE event.sku > told.sku)
        FROM told WHERE told.sku IS NOT NULL
    ), known AS (
        (SELECT sku FROM told WHERE sku IS NOT NULL LIMIT :many)
        UNION
        (SELECT DISTINCT sku FROM stock_levels WHERE sku > :after ORDER BY sku LIMIT :many)
    )
    SELECT sku FROM known ORDER BY sku LIMIT :many
    """
)
_COMPARE: Final = text(
    """
    WITH told AS (
        SELECT sku, warehouse_id, max(version) AS version, count(*) AS entries,
            sum(quantity * effect.on_hand) AS on_hand, sum(quantity * effect.reserved) AS reserved,
            sum(quantity * effect.allocated) AS allocated
        FROM stock_events JOIN json_to_recordset(:effects)
            AS effect (type text, on_hand integer, reserved integer, allocated integer) USING (type)
        WHERE sku = ANY (:skus) GROUP BY sku, warehouse_id
    ), held AS (
        SELECT sku, warehouse_id, sum(quantity) AS units FROM reservation_lines
        WHERE sku = ANY (:skus) AND state = 'held' GROUP BY sku, warehouse_id
    ), due AS (
        SELECT sku, warehouse_id, sum(quantity - shipped - released) AS units FROM allocations
        WHERE sku = ANY (:skus) GROUP BY sku, warehouse_id
    ), shelf AS (
        SELECT * FROM stock_levels WHERE sku = ANY (:skus)
    )
    SELECT sku, warehouse_id, figure, coalesce(expected, 0)::bigint AS expected, coalesce(found, 0)::bigint AS found
    FROM shelf FULL JOIN told USING (sku, warehouse_id) FULL JOIN held USING (sku, warehouse_id)
        FULL JOIN due USING (sku, warehouse_id)
    CROSS JOIN LATERAL (VALUES
        ('entries', told.version, told.entries),
        ('version', told.version, shelf.version),
        ('on_hand', told.on_hand, shelf.on_hand),
        ('reserved', told.reserved, shelf.reserved),
        ('allocated', told.allocated, shelf.allocated),
        ('reserved by reservations', held.units, shelf.reserved),
        ('allocated to orders', due.units, shelf.allocated),
        ('promised beyond what there is', 0,
            greatest(0, shelf.reserved + shelf.allocated - shelf.on_hand - shelf.backorder_limit))
    ) AS figures (figure, expected, found)
    WHERE coalesce(expected, 0) <> coalesce(found, 0)
    ORDER BY sku, warehouse_id, figure
    """
).bindparams(bindparam("skus", type_=ARRAY(Text)))


async def next_skus(session: AsyncSession, after: str, many: int) -> list[str]:
    """Name the SKUs that follow one, in the database's order; empty at the end."""
    return list((await session.execute(_NEXT, {"after": after, "many": many})).scalars())


async def find_discrepancies(session: AsyncSession, skus: Sequence[str]) -> list[Discrepancy]:
    """Compare levels, ledger, reservations and allocations of some SKUs; empty when all is well."""
    rows = await session.execute(_COMPARE, {"skus": list(skus), "effects": _EFFECTS})
    return [Discrepancy(**row._asdict()) for row in rows]
