"""Which articles are taxed otherwise than most, as the staff says, kept at hand so that no sale has to ask for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kernel.database import Database
from kernel.errors import InvalidInputError
from subgraphs.orders.domain.tax import TaxClass
from subgraphs.orders.domain.tax_table import RateTable, read_table
from subgraphs.orders.storage import tax_classes as store

_MOST_AT_ONCE = 1000


class TaxService:
    """Keeps the classes of articles beside the table of rates."""

    def __init__(self, database: Database, rates: Path) -> None:
        self.database = database
        self._classes: dict[str, TaxClass] = {}
        self.provider = RateTable(read_table(rates), self._classes)

    @property
    def classes(self) -> Mapping[str, TaxClass]:
        """The articles that are not of the standard class."""
        return self._classes

    async def refresh(self) -> int:
        """Look which articles are taxed otherwise; nothing comes of it that would have to be done again at once."""
        async with self.database.session() as session:
            known = await store.every(session)
        self._classes.clear()
        self._classes.update(known)
        return 0

    async def classify(self, skus: Sequence[str], tax_class: TaxClass) -> None:
        """Say of which class articles are; other processes know within seconds.

        Raises:
            InvalidInputError: none or too many are named.
        """
        if not 1 <= len(skus) <= _MOST_AT_ONCE or not all(1 <= len(sku) <= 250 for sku in skus):
            raise InvalidInputError(f"Name from 1 to {_MOST_AT_ONCE} SKUs.", path=("skus",))
        async with self.database.transaction() as session:
            await store.put(session, skus, tax_class)
        await self.refresh()
