"""Opening and changing warehouses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database, constraint_name
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.events.catalogue import InventoryChanged
from kernel.events.outbox import record_many
from kernel.ids import new_id
from subgraphs.inventory.storage import catalogue
from subgraphs.inventory.storage.ledger import Standing
from subgraphs.inventory.storage.reading import Warehouse, skus_in_warehouse, standings_of_skus

PORTION: Final = 1000
"""SKUs that are read and told of together when a warehouse opens or closes."""

_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,31}")
_COUNTRY = re.compile(r"[A-Z]{2}")


async def create_warehouse(
    database: Database,
    code: str,
    name: str,
    country: str,
    priority: int,
    *,
    postal_code: str = "",
    parcel_cost: int = 0,
) -> Warehouse:
    """Open a warehouse.

    Raises:
        ConflictError: the code is taken.
    """
    if _CODE.fullmatch(code) is None:
        raise InvalidInputError("A code is up to 32 capital letters, digits, - and _.", path=("code",))
    if _COUNTRY.fullmatch(country) is None:
        raise InvalidInputError("A country is its two capital letters.", path=("country",))
    warehouse = Warehouse(
        id=new_id("wh"),
        code=code,
        name=_name(name),
        country=country,
        priority=_priority(priority),
        active=True,
        postal_code=_postal_code(postal_code),
        parcel_cost=_parcel_cost(parcel_cost),
    )
    try:
        async with database.transaction() as session:
            await catalogue.add_warehouse(session, warehouse)
    except IntegrityError as error:
        if constraint_name(error) != "warehouses_code":
            raise
        raise ConflictError("The code is taken.", code="ALREADY_EXISTS", path=("code",)) from error
    return warehouse


async def update_warehouse(
    database: Database,
    warehouse_id: str,
    *,
    name: str | None = None,
    priority: int | None = None,
    active: bool | None = None,
    postal_code: str | None = None,
    parcel_cost: int | None = None,
    now: datetime,
) -> Warehouse:
    """Change what is given; opening or closing is told of every SKU that lies there.

    Raises:
        NotFoundError: there is no such warehouse.
    """
    changes = {
        "name": None if name is None else _name(name),
        "priority": None if priority is None else _priority(priority),
        "active": active,
        "postal_code": None if postal_code is None else _postal_code(postal_code),
        "parcel_cost": None if parcel_cost is None else _parcel_cost(parcel_cost),
    }
    given = {column: value for column, value in changes.items() if value is not None}
    if not given:
        raise InvalidInputError("Nothing was to be changed.", path=("input",))
    async with database.transaction() as session:
        warehouse = await catalogue.change_warehouse(session, warehouse_id, given)
        if warehouse is None:
            raise NotFoundError("There is no such warehouse.", path=("id",))
        if active is not None:
            await _tell_totals(session, warehouse_id, now)
    return warehouse


async def _tell_totals(session: AsyncSession, warehouse_id: str, now: datetime) -> None:
    last = ""
    while skus := await skus_in_warehouse(session, warehouse_id, after=last, limit=PORTION):
        found = await standings_of_skus(session, skus, now)
        await record_many(session, [(sku, _total(sku, found[sku])) for sku in skus])
        last = skus[-1]


def _total(sku: str, standings: Sequence[Standing]) -> InventoryChanged:
    levels = [each.level for each in standings if each.active]
    return InventoryChanged(
        sku=sku,
        product_id=standings[0].product_id,
        available=sum(max(0, level.available) for level in levels),
        on_hand=sum(level.on_hand for level in levels),
    )


def _name(name: str) -> str:
    if not 1 <= len(name.strip()) <= 200:
        raise InvalidInputError("A name has from 1 to 200 characters.", path=("name",))
    return name.strip()


def _priority(priority: int) -> int:
    if not 0 <= priority <= 10_000:
        raise InvalidInputError("A priority lies between 0 and 10000.", path=("priority",))
    return priority


def _postal_code(postal_code: str) -> str:
    if len(postal_code.strip()) > 16:
        raise InvalidInputError("A postal code has up to 16 characters.", path=("postalCode",))
    return postal_code.strip()


def _parcel_cost(cost: int) -> int:
    if not 0 <= cost <= 1_000_000:
        raise InvalidInputError("A parcel costs from 0 to 1000000 minor units.", path=("parcelCost",))
    return cost
