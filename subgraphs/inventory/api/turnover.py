"""What moved on each day, for the dashboards of staff."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import strawberry

from kernel.errors import InvalidInputError
from subgraphs.inventory.api.context import Info
from subgraphs.inventory.api.places import require_stock_staff
from subgraphs.inventory.storage import turnover

_LONGEST: Final = timedelta(days=1100)


@strawberry.type(description="What moved on one day, in units.")
class StockTurnover:
    """What moved on one day."""

    day: date
    received: int
    shipped: int
    returned: int
    corrected: int = strawberry.field(description="By counts and adjustments; negative where stock was lost.")
    transferred: int = strawberry.field(description="Into the warehouses that were asked for; negative: out of them.")


@strawberry.type
class TurnoverQuery:
    """Reads of what moved."""

    @strawberry.field(description="What moved on each day, some seconds behind the ledger; for staff.")
    async def stock_turnover(
        self, info: Info, since: date, until: date, sku: str | None = None, warehouse_id: strawberry.ID | None = None
    ) -> list[StockTurnover]:
        """Sum what moved; days without movements are left out."""
        require_stock_staff(info.context.caller)
        if not timedelta() <= until - since <= _LONGEST:
            raise InvalidInputError(f"A span has up to {_LONGEST.days} days.", path=("until",))
        async with info.context.service.database.session() as session:
            days = await turnover.turnover(session, since, until, sku=sku, warehouse_id=warehouse_id)
        return [
            StockTurnover(
                day=each.day,
                received=each.received,
                shipped=each.shipped,
                returned=each.returned,
                corrected=each.corrected,
                transferred=each.transferred,
            )
            for each in days
        ]
