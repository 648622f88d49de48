"""What the staff decides: methods, zones, rates and rules of free shipping, as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.database import Database, constraint_name
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.ids import new_id
from kernel.money import decimals_of
from subgraphs.shipping.domain.rates import REST_OF_WORLD, FreeRule, Method, Rate, Zone
from subgraphs.shipping.storage import rates as store

T = TypeVar("T")

PREFIXES: Final = {"methods": "shm", "zones": "zone", "rates": "rate", "free_rules": "free"}
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_POSTAL_PREFIX: Final = re.compile(r"[A-Z0-9][A-Z0-9 -]{0,9}")
_LONGEST_NAME: Final = 100
_CONFLICTS: Final = {
    "rates_band": "There is a rate for these bounds already.",
    "rates_method_id_fkey": "There is no such method, or rates of it are left.",
    "rates_zone_id_fkey": "There is no such zone, or rates of it are left.",
    "free_rules_method_id_fkey": "There is no such method, or rules of it are left.",
    "free_rules_zone_id_fkey": "There is no such zone, or rules of it are left.",
}
_SENSELESS: Final = {
    "rates_bounds": "The bounds of the rate make no sense.",
    "rates_price": "A price cannot be negative.",
    "free_rules_from": "An amount cannot be negative.",
}


class Offering:
    """Changes what shipping offers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def methods(self) -> list[Method]:
        """Read every method, also those that are not offered now."""
        async with self._database.session() as session:
            return await store.all_methods(session, also_inactive=True)

    async def zones(self) -> list[Zone]:
        """Read every zone."""
        async with self._database.session() as session:
            return await store.all_zones(session)

    async def rates(self) -> list[Rate]:
        """Read every rate."""
        async with self._database.session() as session:
            return await store.all_rates(session)

    async def free_rules(self) -> list[FreeRule]:
        """Read every rule of free shipping."""
        async with self._database.session() as session:
            return await store.all_free_rules(session)

    async def add(self, what: str, values: Mapping[str, Any]) -> str:
        """Offer something new; gives its id.

        Raises:
            InvalidInputError: a value makes no sense.
            ConflictError: there is such a thing already, or what it belongs to is not there.
        """
        _check(values)
        key = new_id(PREFIXES[what])
        await self._write(lambda session: store.add(session, what, {"id": key, **values}))
        return key

    async def change(self, what: str, key: str, values: Mapping[str, Any]) -> None:
        """Change something.

        Raises:
            NotFoundError: it is not there.
            InvalidInputError: a value makes no sense.
            ConflictError: there is such a thing already.
        """
        _check(values)
        if values and not await self._write(lambda session: store.change(session, what, key, values)):
            raise NotFoundError("There is no such thing.", path=("id",))

    async def remove(self, what: str, key: str) -> None:
        """Remove something.

        Raises:
            NotFoundError: it is not there.
            ConflictError: something else depends on it.
        """
        if not await self._write(lambda session: store.remove(session, what, key)):
            raise NotFoundError("There is no such thing.", path=("id",))

    async def _write(self, work: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T:
        try:
            async with self._database.transaction() as session:
                return await work(session)
        except IntegrityError as error:
            constraint = constraint_name(error)
            if constraint in _SENSELESS:
                raise InvalidInputError(_SENSELESS[constraint], path=("input",)) from error
            if constraint not in _CONFLICTS:
                raise
            raise ConflictError(_CONFLICTS[constraint]) from error


def _check(values: Mapping[str, Any]) -> None:
    """Let values pass that make sense each by itself; what they must be together the database knows."""
    for name, value in values.items():
        if value is not None and not _CHECKS.get(name, _anything)(value):
            raise InvalidInputError(f"{name.replace('_', ' ').capitalize()} makes no sense.", path=("input", name))
    if "currency" in values:
        decimals_of(values["currency"])
    if "min_days" in values and "max_days" in values and values["min_days"] > values["max_days"]:
        raise InvalidInputError("The last day cannot be before the first.", path=("input", "maxDays"))


def _anything(_value: object) -> bool:
    return True


def _is_name(value: str) -> bool:
    return 0 < len(value.strip()) <= _LONGEST_NAME


def _are_countries(value: Sequence[str]) -> bool:
    return bool(value) and all(_COUNTRY.fullmatch(each) or each == REST_OF_WORLD for each in value)


def _are_prefixes(value: Sequence[str]) -> bool:
    return all(_POSTAL_PREFIX.fullmatch(each) for each in value)


def _is_size(value: int) -> bool:
    return 0 < value < 2**31


def _are_days(value: int) -> bool:
    return 0 <= value <= 90


_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "name": _is_name,
    "carrier": _is_name,
    "countries": _are_countries,
    "postal_prefixes": _are_prefixes,
    "max_weight_grams": _is_size,
    "max_volume_cm3": _is_size,
    "min_days": _are_days,
    "max_days": _are_days,
}
