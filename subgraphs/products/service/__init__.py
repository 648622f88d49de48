"""The use cases of the catalogue: each a transaction that checks, writes and tells."""

from subgraphs.products.domain.transfers.filed import ImportedProduct, ImportedVariant
from subgraphs.products.service.catalogue import CatalogueService
from subgraphs.products.service.importing import ImportOutcome, ImportResult, import_product

__all__ = ["CatalogueService", "ImportOutcome", "ImportResult", "ImportedProduct", "ImportedVariant", "import_product"]
