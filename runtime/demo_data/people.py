"""Makes the people: customers with addresses and tastes, and the three that a person logs in as."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from runtime.demo_data.chance import Ids, Weighted, stream
from subgraphs.users.storage.bulk import AddressRow, UserRow

CUSTOMERS: Final = 200
STYLES: Final = 6
"""How many ways there are to like things."""
PASSWORD: Final = "storegraph-demo"  # noqa: S105 # of the demo shop, shown on its first page


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Somebody whom a person may log in as."""

    email: str
    password: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer as the order history sees them."""

    user: UserRow
    address: AddressRow
    currency: str
    favourites: tuple[str, ...]
    """Departments that they come for."""
    fit: int
    """Which of the sizes in a row is theirs."""
    style: int
    """Of which style the things are that they like."""

    @property
    def postal_address(self) -> Mapping[str, str]:
        """The address as orders and shipments keep it."""
        one = self.address
        return {
            "name": one.name, "line1": one.line1, "line2": one.line2, "city": one.city,
            "region": one.region, "postal_code": one.postal_code, "country": one.country,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Place:
    country: str
    city: str
    postal_code: str
    region: str
    streets: tuple[str, ...]
    number_first: bool = False


_PLACES: Final = (
    _Place("DE", "Berlin", "10999", "", ("Oranienstraße", "Reichenberger Straße", "Skalitzer Straße")),
    _Place("DE", "Hamburg", "20359", "", ("Wohlwillstraße", "Paul-Roosen-Straße", "Clemens-Schultz-Straße")),
    _Place("DE", "München", "80469", "", ("Klenzestraße", "Fraunhoferstraße", "Müllerstraße")),
    _Place("DE", "Leipzig", "04229", "", ("Karl-Heine-Straße", "Weißenfelser Straße", "Erich-Zeigner-Allee")),
    _Place("AT", "Wien", "1070", "", ("Neubaugasse", "Lindengasse", "Zieglergasse")),
    _Place("NL", "Utrecht", "3512 JC", "", ("Oudegracht", "Voorstraat", "Nobelstraat")),
    _Place("FR", "Lyon", "69001", "", ("Rue Burdeau", "Rue Romarin", "Montée de la Grande Côte"), number_first=True),
    _Place("FR", "Nantes", "44000", "", ("Rue Kervégan", "Rue de Strasbourg", "Quai de la Fosse"), number_first=True),
    _Place("IT", "Torino", "10123", "", ("Via Po", "Via Maria Vittoria", "Via della Rocca")),
    _Place("ES", "Valencia", "46006", "", ("Calle de Cádiz", "Calle de Cuba", "Calle de Sueca")),
    _Place("DK", "Aarhus", "8000", "", ("Vestergade", "Mejlgade", "Jægergårdsgade")),
    _Place(
        "US", "Portland", "97214", "OR", ("SE Hawthorne Blvd", "SE Belmont St", "SE Division St"), number_first=True
    ),
    _Place("US", "Chicago", "60622", "IL", ("W Division St", "N Milwaukee Ave", "W Augusta Blvd"), number_first=True),
    _Place("US", "Austin", "78704", "TX", ("S Congress Ave", "S Lamar Blvd", "Mary St"), number_first=True),
)
_WEIGHTS: Final = (9, 7, 6, 5, 5, 5, 5, 3, 4, 4, 3, 7, 7, 5)

_FIRST: Final = (
    "Anna", "Jonas", "Marta", "Luca", "Sofie", "Emil", "Chiara", "Paul", "Nora", "Henrik", "Amélie", "Mateo",
    "Greta", "Oskar", "Lena", "Hugo", "Clara", "Finn", "Ines", "Theo", "Maya", "Noah", "Elif", "Samir", "Julia",
    "Tom", "Alma", "David", "Ruth", "Ivan", "Zoë", "Adam", "Leila", "Simon", "Carmen", "Arthur", "Mira", "Leo",
)  # fmt: skip
_LAST: Final = (
    "Keller", "Lindqvist", "Rossi", "Moreau", "Jansen", "Vogel", "Castillo", "Hansen", "Weber", "Laurent", "Bauer",
    "Conti", "Visser", "Navarro", "Brandt", "Nielsen", "Fischer", "Dubois", "Greco", "Miller", "Carter", "Okafor",
    "Yilmaz", "Novak", "Santos", "Reed", "Bishop", "Larsen", "Huber", "Marin", "Fontaine", "Pohl", "Serra", "Grant",
)  # fmt: skip
_STAFF: Final = (("staff", "Stella Stock", ("staff", "warehouse")), ("admin", "Ada Admin", ("admin",)))


def demo_users() -> list[DemoUser]:
    """Name whom a person may log in as, and how."""
    roles = {"customer": "customer", "staff": "staff and warehouse", "admin": "administrator"}
    return [DemoUser(f"{name}@example.com", PASSWORD, role) for name, role in roles.items()]


def make_customers(seed: int, departments: tuple[str, ...], begin: datetime) -> tuple[Customer, ...]:
    """Make the customers; the first of them is the one whom a person may log in as."""
    chance, tastes = stream(seed, "people"), stream(seed, "tastes")
    ids = Ids(chance)
    places = Weighted(_PLACES, _WEIGHTS)
    customers = []
    for number in range(CUSTOMERS):
        name = "Carla Customer" if number == 0 else f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
        email = "customer@example.com" if number == 0 else f"{_mailbox(name)}{number}@example.com"
        place = places.draw(chance)
        joined = begin - timedelta(days=chance.uniform(1, 300))
        user = UserRow(id=ids.new("usr", joined), email=email, name=name, created_at=joined)
        customers.append(
            Customer(
                user=user,
                address=_address(chance, ids, user, place),
                currency="USD" if place.country == "US" else "EUR",
                favourites=tuple(chance.sample(departments, 2)),
                fit=chance.randint(0, 2),
                style=tastes.randrange(STYLES),
            )
        )
    return tuple(customers)


def make_staff(seed: int, begin: datetime) -> tuple[UserRow, ...]:
    """Make the accounts of those who work here."""
    ids = Ids(stream(seed, "staff"))
    return tuple(
        UserRow(id=ids.new("usr", begin), email=f"{mailbox}@example.com", name=name, created_at=begin, roles=roles)
        for mailbox, name, roles in _STAFF
    )


def _address(chance: random.Random, ids: Ids, user: UserRow, place: _Place) -> AddressRow:
    street, number = chance.choice(place.streets), chance.randint(1, 180)
    return AddressRow(
        id=ids.new("adr", user.created_at),
        user_id=user.id,
        name=user.name,
        line1=f"{number} {street}" if place.number_first else f"{street} {number}",
        city=place.city,
        postal_code=place.postal_code,
        country=place.country,
        region=place.region,
    )


def _mailbox(name: str) -> str:
    folded = name.lower().replace(" ", ".").replace("ë", "e").replace("é", "e")
    return folded.encode("ascii", "ignore").decode()
