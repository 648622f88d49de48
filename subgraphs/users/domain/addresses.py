"""An entry of an address book."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from kernel.errors import InvalidInputError
from subgraphs.users.domain.accounts import checked_phone

MOST_PER_USER: Final = 50
"""How many addresses one account may keep."""

_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_LONGEST: Final = {"name": 200, "line1": 200, "line2": 200, "city": 100, "region": 100, "postal_code": 20}
_REQUIRED: Final = frozenset({"name", "line1", "city"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalFields:
    """Where mail goes; `country` is ISO 3166-1 alpha-2."""

    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str = ""
    region: str = ""
    phone: str | None = None
    is_default_shipping: bool = False
    is_default_billing: bool = False

    def __post_init__(self) -> None:
        for field, longest in _LONGEST.items():
            text = getattr(self, field)
            if len(text) > longest or (field in _REQUIRED and not text.strip()):
                raise InvalidInputError(f"The {_spoken(field)} has 1 to {longest} characters.", path=_path(field))
        if not _COUNTRY.fullmatch(self.country):
            raise InvalidInputError("A country is written as two capitals, like DE.", path=_path("country"))
        if self.phone is not None:
            checked_phone(self.phone)

    def changed(self, wanted: Mapping[str, Any]) -> PostalFields:
        """Give the address with some fields replaced, checked like a new one; only the phone number can be cleared."""
        for field, value in wanted.items():
            if value is None and field != "phone":
                raise InvalidInputError(f"The {_spoken(field)} cannot be cleared.", path=_path(field))
        return replace(self, **wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address with its place in somebody's book."""

    id: str
    user_id: str
    postal: PostalFields


POSTAL_FIELDS: Final = tuple(field.name for field in fields(PostalFields))
"""The names of all fields of an address, in order."""


def _spoken(field: str) -> str:
    return field.replace("_", " ")


def _path(field: str) -> tuple[str, str]:
    head, *rest = field.split("_")
    return ("input", head + "".join(part.title() for part in rest))
