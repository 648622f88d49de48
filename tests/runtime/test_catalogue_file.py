"""Whatever stands in a product file, reading it gives products and remarks, each on its line, and never falls."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.catalogue_file import read_catalogue
from subgraphs.products.domain.transfers.filed import CatalogueFileError, FiledProduct, Remark

COLUMNS = (
    "Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Tags", "Published", "Option1 Name",
    "Option1 Value", "Variant SKU", "Variant Grams", "Variant Inventory Qty", "Variant Price", "Status",
)  # fmt: skip
words = st.text(st.characters(codec="utf-8"), max_size=12)
likely = st.sampled_from(["", "a", "b", "Title", "TRUE", "active", "12", "9.99", "-1", "1e9", "A > B", "٣", "१२"])
fields = st.one_of(likely, words)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(fields, min_size=len(COLUMNS), max_size=len(COLUMNS)), max_size=8))
def test_any_fields_are_read_or_told(rows: list[list[str]]):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
        try:
            read = read_catalogue(path, "EUR")
        except CatalogueFileError:
            return
    handles = {row[0].strip() for row in rows if row[0].strip()}
    products = [each for each in read if isinstance(each, FiledProduct)]
    remarks = [each for each in read if isinstance(each, Remark)]
    assert len(products) + len([each for each in remarks if each.handle]) == len(handles)
    assert all(each.line >= 2 and each.reason for each in remarks)
    for each in products:
        assert len(each.quantities) == len(each.product.variants) >= 1
        assert all(quantity >= 0 for quantity in each.quantities)
        assert all(price.minor >= 0 for variant in each.product.variants for price in variant.prices)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_bytes((",".join(COLUMNS) + "\n").encode() + content)
        try:
            read_catalogue(path, "EUR")
        except CatalogueFileError:
            return
