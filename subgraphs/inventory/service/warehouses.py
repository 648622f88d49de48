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


async def create_warehouse(database: Database, code: str, name: str, country: str, priority: int) -> Warehouse:
    """Open a warehouse.

    Raises:
        ConflictError: the code is taken.
    """
    if _CODE.fullmatch(code) is None:
        raise InvalidInputError("A code is up to 32 capital letters, digits, - and _.", path=("code",))
    if _COUNTRY.fullmatch(country) is None:
        raise InvalidInputError("A country is its two capital letters.", path=("country",))
    warehouse = Warehouse(
        id=new_id("wh"), code=code, name=_name(name), country=country, priority=_priority(priority), active=True
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
    database: Database, warehouse_id: str, *, name: str | None, priority: int | None, active: bool | None
) -> Warehouse:
    """Change what is given.

    Raises:
        NotFoundError: there is no such warehouse.
    """
    changes = {
        "name": None if name is None else _name(name),
        "priority": None if priority is None else _priority(priority),
        "active": active,
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
