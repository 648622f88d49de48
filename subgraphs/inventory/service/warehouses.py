"""Opening and changing warehouses."""

from __future__ import annotations

import re

from sqlalchemy.exc import IntegrityError

from kernel.database import Database, constraint_name
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.ids import new_id
from subgraphs.inventory.storage import catalogue
from subgraphs.inventory.storage.reading import Warehouse

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
) -> Warehouse:
    """Change what is given.

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
    return warehouse


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
