"""The whole demo shop as one value: the same seed and the same day make the same shop, to the last byte."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from runtime.demo_data.assortment import read_assortment
from runtime.demo_data.behaviour import make_behaviour
from runtime.demo_data.catalogue import Catalogue, make_catalogue
from runtime.demo_data.demand import make_demand
from runtime.demo_data.history import PastOrder, make_history
from runtime.demo_data.people import Customer, make_customers, make_staff
from runtime.demo_data.records import Records, make_records
from runtime.demo_data.stock import Stock, make_stock
from subgraphs.inventory.storage.demand import SoldElsewhere
from subgraphs.recommendations.storage.facts_bulk import Facts
from subgraphs.users.storage.bulk import UserRow

SEED: Final = 20_240_601
_HISTORY: Final = timedelta(days=730)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that is loaded."""

    catalogue: Catalogue
    customers: tuple[Customer, ...]
    staff: tuple[UserRow, ...]
    orders: tuple[PastOrder, ...]
    stock: Stock
    sold_elsewhere: tuple[SoldElsewhere, ...]
    records: Records
    facts: Facts


def make_world(now: datetime, seed: int = SEED) -> World:
    """Make a shop that has been selling for two years until the day of `now`."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = today - _HISTORY
    assortment = read_assortment()
    catalogue = make_catalogue(seed, assortment, begin, today)
    departments = tuple(dict.fromkeys(shelf.department for shelf in assortment.shelves))
    customers = make_customers(seed, departments, begin)
    orders = make_history(seed, catalogue, customers, begin, today)
    stock = make_stock(seed, catalogue, orders, begin, today)
    records = make_records(seed, orders, [each.id for each in stock.warehouses], today)
    return World(
        catalogue=catalogue,
        customers=customers,
        staff=make_staff(seed, begin),
        orders=orders,
        stock=stock,
        sold_elsewhere=make_demand(seed, catalogue, today),
        records=records,
        facts=make_behaviour(seed, catalogue, orders, records, today),
    )
