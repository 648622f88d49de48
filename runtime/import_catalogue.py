"""The job that brings the shop to what a product file says, through the services of catalogue and stock.

A product loads whole (with its variants, prices and opening stock) or not at all; a bad one is reported with
its line while the others load. The quantities of the file are opening stock: a SKU that the warehouse has had
before keeps its count, so the same file read again changes nothing.

Stock is opened while the product's own transaction still waits. If stock is refused the product is undone; if
the process dies in between there is stock of a SKU that nobody can see yet, and the next run finds it there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kernel.errors import ConflictError, DomainError
from kernel.pagination import Page
from runtime.catalogue_file import read_catalogue
from subgraphs.inventory.service import InventoryService
from subgraphs.inventory.service.warehouses import create_warehouse
from subgraphs.inventory.storage.reading import Warehouse, page_of_warehouses
from subgraphs.products.domain.transfers.filed import FiledProduct, Remark
from subgraphs.products.service import CatalogueService
from subgraphs.products.service.importing import ImportOutcome, ImportResult, import_product

Progress = Callable[[int, int], None]
"""Told after each product how many are done, and of how many."""


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What became of a file."""

    outcomes: Counter[ImportOutcome] = field(default_factory=Counter[ImportOutcome])
    variants: int = 0
    stocked: int = 0
    failures: list[Remark] = field(default_factory=list[Remark])
    notes: list[Remark] = field(default_factory=list[Remark])

    @property
    def changed(self) -> bool:
        """Whether anything in the shop is other than before."""
        written = self.outcomes[ImportOutcome.CREATED] + self.outcomes[ImportOutcome.UPDATED]
        return bool(written or self.stocked)

    def sentence(self) -> str:
        """Say it in one line."""
        counts = ", ".join(f"{self.outcomes[outcome]} {outcome.value}" for outcome in ImportOutcome)
        return (
            f"Products: {counts}, {len(self.failures)} failed. Variants: {self.variants}, newly stocked {self.stocked}."
        )


async def import_catalogue(
    path: Path,
    products: CatalogueService,
    inventory: InventoryService,
    *,
    currency: str = "EUR",
    on_progress: Progress = lambda _done, _total: None,
) -> ImportReport:
    """Load a product file and report on each line that needs it.

    Raises:
        CatalogueFileError: the file cannot be read as a product file at all; nothing was loaded.
    """
    filed = read_catalogue(path, currency)
    warehouse_id = await _warehouse_id(inventory)
    report = ImportReport()
    for done, each in enumerate(filed, start=1):
        if isinstance(each, Remark):
            report.failures.append(each)
        else:
            await _load(each, products, inventory, warehouse_id, report)
        on_progress(done, len(filed))
    return report


async def _load(
    filed: FiledProduct,
    products: CatalogueService,
    inventory: InventoryService,
    warehouse_id: str,
    report: ImportReport,
) -> None:
    stocked = 0

    async def open_stock(result: ImportResult) -> None:
        nonlocal stocked
        quantities = dict(zip(result.skus, filed.quantities, strict=True))
        stocked = await inventory.open_stock(warehouse_id, quantities, reference=f"import:{filed.product.slug}")

    try:
        result = await import_product(products, filed.product, before_commit=open_stock)
    except DomainError as error:
        report.failures.append(Remark(filed.line, filed.product.slug, error.message))
        return
    report.outcomes[result.outcome] += 1
    report.variants += len(result.skus)
    report.stocked += stocked
    report.notes.extend(filed.notes)


async def _warehouse_id(inventory: InventoryService) -> str:
    """Choose where opening stock goes: the preferred warehouse, or a first one in a shop that has none."""
    preferred = await _preferred(inventory)
    if preferred is not None:
        return preferred.id
    try:
        return (await create_warehouse(inventory.database, "MAIN", "Main warehouse", "DE", 0)).id
    except ConflictError:
        opened_meanwhile = await _preferred(inventory)
        if opened_meanwhile is None:
            raise
        return opened_meanwhile.id


async def _preferred(inventory: InventoryService) -> Warehouse | None:
    async with inventory.database.session() as session:
        known = (await page_of_warehouses(session, Page(first=100))).items
    return next((each for each in known if each.active), None)
