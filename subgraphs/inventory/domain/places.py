"""Where countries and postal areas lie, so that sourcing can tell what is near.

`places.csv` holds a point for every country, which is its most populous city, and for the leading characters of
the postal codes of the countries that most parcels go to. The longest prefix that is known decides; that is as
exact as choosing between warehouses needs, and no address leaves the house.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Final

_EARTH_RADIUS_KM: Final = 6371.0088
_FILE: Final = Path(__file__).with_name("places.csv")


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A point on the earth, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Destination:
    """Where goods are to go; `country` is ISO 3166-1 alpha-2."""

    country: str
    postal_code: str = ""


def locate(destination: Destination) -> Coordinates | None:
    """Find the point that is known for an address; None where the country is not known."""
    known = _places().get(destination.country.upper(), {})
    code = "".join(each for each in destination.postal_code.upper() if each.isalnum())
    return next((known[code[:length]] for length in range(len(code), -1, -1) if code[:length] in known), None)


def distance_km(here: Coordinates, there: Coordinates) -> float:
    """Measure the way along the earth's surface."""
    north, south = radians(here.latitude), radians(there.latitude)
    rise = sin((south - north) / 2) ** 2
    turn = sin(radians(there.longitude - here.longitude) / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(min(1.0, sqrt(rise + cos(north) * cos(south) * turn)))


@cache
def _places() -> dict[str, dict[str, Coordinates]]:
    places: dict[str, dict[str, Coordinates]] = {}
    with _FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            point = Coordinates(float(row["latitude"]), float(row["longitude"]))
            places.setdefault(row["country"], {})[row["prefix"]] = point
    return places
