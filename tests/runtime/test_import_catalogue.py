"""A product file with every trap, on the real services: what loads, what is told, and that twice is once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from kernel.calls import InProcessCalls
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.settings import Settings
from kernel.subgraph import Parts
from runtime.catalogue_file import CatalogueFileError, Remark, read_catalogue
from runtime.import_catalogue import ImportReport, import_catalogue
from subgraphs.inventory.service import InventoryService
from subgraphs.products.app import make_service
from subgraphs.products.service import CatalogueService
from subgraphs.products.service.importing import ImportOutcome

TRAPS = Path(__file__).with_name("catalogue_with_traps.csv")
SHARED = Path(__file__).parents[3] / "shared/data/catalogue.csv"


@dataclass
class Shop:
    products: CatalogueService
    inventory: InventoryService

    async def load(self, path: Path, **options: object) -> ImportReport:
        return await import_catalogue(path, self.products, self.inventory, **options)

    async def rows(self, query: str) -> list[tuple]:
        schema = self.inventory if "stock_" in query or "warehouses" in query else self.products
        async with schema.database.session() as session:
            return [tuple(row) for row in await session.execute(text(query))]


@pytest.fixture
async def shop(make_database) -> AsyncIterator[Shop]:
    url = await make_database("products", "inventory")
    async with Database(url, schema="products") as products, Database(url, schema="inventory") as inventory:
        clock = SystemClock()
        yield Shop(
            make_service(Settings.load(), Parts(database=products, calls=InProcessCalls("products", {}))),
            InventoryService(inventory, clock),
        )


async def test_what_is_good_loads_and_what_is_bad_is_told_with_its_line(shop: Shop):
    told: list[tuple[int, int]] = []
    report = await shop.load(TRAPS, on_progress=lambda done, total: told.append((done, total)))

    assert report.outcomes == Counter({ImportOutcome.CREATED: 5})
    assert (report.variants, report.stocked, report.changed) == (7, 6, True)
    assert [(each.line, each.reason) for each in report.failures] == [
        (11, "The price 'nine' is not usable: Not an amount of money."),
        (12, "The price '0.005' is not usable: EUR has 2 decimals at most."),
        (13, "The price -5 is negative."),
        (14, "Variant Inventory Qty is 'many', not a whole number from 0 on."),
        (15, "Variant Grams is '-4', not a whole number from 0 on."),
        (16, "The product has no title on its first row."),
        (17, "The SKU SAME stands on several rows."),
        (18, "The SKU SAME stands on several rows."),
        (19, "Two variants are the same choice of options."),
        (22, "The variant has no Colour."),
        (23, "The status 'sleeping' is none of active, draft and archived."),
        (24, "The row has no handle."),
    ]
    assert report.notes == [Remark(9, "no-price", "Without a price, this variant is not for sale.")]
    assert told[-1] == (17, 17)
    assert "5 created, 0 updated, 0 unchanged, 12 failed" in report.sentence()


async def test_products_are_as_the_file_has_them(shop: Shop):
    await shop.load(TRAPS)

    assert await shop.rows("SELECT slug, published, brand FROM products ORDER BY slug") == [
        ("bohms-cafe", True, ""),
        ("gift-card", True, ""),
        ("no-price", False, ""),
        ("no-sku", True, "Press"),
        ("plimsolls", True, "Tolv"),
    ]
    variants = await shop.rows(
        "SELECT sku, options::text, weight_grams, minor FROM variants LEFT JOIN prices ON variant_id = id ORDER BY sku"
    )
    assert variants == [
        ("CAFE-1", "[]", 250, 650),
        ("MUG-1", "[]", 300, None),
        ("PL-39-W", variants[2][1], 410, 8000),
        ("PL-40-W", variants[3][1], 0, 8000),
        ("gift-card", "[]", 0, 5000),
        ("no-sku-cd", variants[5][1], 80, 1250),
        ("no-sku-mp3", variants[6][1], 0, 1000),
    ]
    assert "Size" in variants[2][1]
    assert "White" in variants[2][1]


async def test_descriptions_are_made_harmless(shop: Shop):
    await shop.load(TRAPS)
    ((description,),) = await shop.rows("SELECT description FROM products WHERE slug = 'plimsolls'")
    assert description == "<p>Light <b>shoes</b></p>\n<p>on two lines</p>"


async def test_categories_are_nested_as_their_names_say(shop: Shop):
    await shop.load(TRAPS)
    paths = await shop.rows(
        "SELECT (SELECT string_agg(c.name, ' > ' ORDER BY place) FROM unnest(one.path) WITH ORDINALITY AS p (id, place)"
        " JOIN categories AS c ON c.id = p.id) FROM categories AS one ORDER BY 1"
    )
    assert [path for (path,) in paths] == [
        "Apparel",
        "Apparel > Shoes",
        "Apparel > Shoes > Sneakers",
        "Gift cards",
        "Kitchen",
        "Media",
        "Media > Audiobooks",
    ]


async def test_stock_is_opened_in_the_first_warehouse_of_a_shop_that_had_none(shop: Shop):
    await shop.load(TRAPS)
    assert await shop.rows("SELECT code FROM warehouses") == [("MAIN",)]
    assert await shop.rows("SELECT sku, on_hand FROM stock_levels ORDER BY sku") == [
        ("CAFE-1", 4),
        ("MUG-1", 3),
        ("PL-39-W", 500),
        ("PL-40-W", 500),
        ("no-sku-cd", 7),
        ("no-sku-mp3", 1000),
    ]
    assert await shop.inventory.verify() == []


async def test_events_tell_other_subgraphs(shop: Shop):
    await shop.load(TRAPS)
    told = dict(await shop.rows("SELECT type, count(*) FROM outbox GROUP BY type"))
    assert told["ProductCreated"] == 5
    assert told["CategoryChanged"] == 7


async def test_the_same_file_again_changes_nothing(shop: Shop):
    await shop.load(TRAPS)
    before = await _fingerprint(shop)
    again = await shop.load(TRAPS)

    assert again.outcomes == Counter({ImportOutcome.UNCHANGED: 5})
    assert not again.changed
    assert await _fingerprint(shop) == before


async def test_a_file_that_was_mended_updates_what_differs_and_leaves_stock_alone(shop: Shop, tmp_path: Path):
    await shop.load(TRAPS)
    mended = tmp_path / "mended.csv"
    mended.write_text(TRAPS.read_text().replace(",nine,", ",19.99,").replace("410,500,80.000", "410,900,75.5"))
    report = await shop.load(mended)

    assert report.outcomes == Counter({ImportOutcome.UNCHANGED: 4, ImportOutcome.CREATED: 1, ImportOutcome.UPDATED: 1})
    assert await shop.rows("SELECT on_hand FROM stock_levels WHERE sku = 'PL-39-W'") == [(500,)]
    assert await shop.rows("SELECT minor FROM prices JOIN variants ON id = variant_id WHERE sku = 'PL-39-W'") == [
        (7550,)
    ]


async def test_a_product_whose_stock_is_refused_leaves_no_trace(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    whole = InventoryService.open_stock

    async def refuse(self, warehouse_id, quantities, *, reference):
        if "PL-39-W" in quantities:
            raise ConnectionError("stock is away")
        return await whole(self, warehouse_id, quantities, reference=reference)

    with monkeypatch.context() as broken:
        broken.setattr(InventoryService, "open_stock", refuse)
        with pytest.raises(ConnectionError):
            await shop.load(TRAPS)
    assert await shop.rows("SELECT count(*) FROM products") == [(0,)]
    assert await shop.rows("SELECT count(*) FROM variants") == [(0,)]
    assert await shop.rows("SELECT count(*) FROM outbox") == [(0,)]

    assert (await shop.load(TRAPS)).outcomes == Counter({ImportOutcome.CREATED: 5})


async def test_a_sku_of_another_product_is_told(shop: Shop, tmp_path: Path):
    await shop.load(TRAPS)
    header, *_ = TRAPS.read_text().splitlines()
    thief = tmp_path / "thief.csv"
    thief.write_text(f"{header}\nthief,Thief,,,Attic,Simple,,TRUE,Title,Default Title,,,PL-39-W,1,1,5,,active\n")
    report = await shop.load(thief)

    assert [failure.line for failure in report.failures] == [2]
    assert "PL-39-W" in report.failures[0].reason or "SKU" in report.failures[0].reason
    assert await shop.rows("SELECT count(*) FROM categories WHERE name = 'Attic'") == [(0,)]


async def test_two_imports_at_once_make_one_catalogue(shop: Shop):
    reports = await asyncio.gather(shop.load(TRAPS), shop.load(TRAPS))
    created = sum(report.outcomes[ImportOutcome.CREATED] for report in reports)
    failed = [failure for report in reports for failure in report.failures if failure.line in {2, 6, 7, 9, 25}]
    assert created == 5
    assert created + len(failed) + sum(r.outcomes[ImportOutcome.UNCHANGED] for r in reports) == 10
    assert await shop.rows("SELECT count(*), count(DISTINCT slug) FROM products") == [(5, 5)]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the shared catalogue is not beside this checkout")
async def test_the_reference_catalogue_loads_completely_and_once(shop: Shop):
    report = await shop.load(SHARED, currency="USD")
    assert report.failures == []
    assert report.outcomes == Counter({ImportOutcome.CREATED: 32})
    assert report.variants == 73
    again = await shop.load(SHARED, currency="USD")
    assert again.outcomes == Counter({ImportOutcome.UNCHANGED: 32})
    assert not again.changed


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "lacks the columns: Handle"),
        (b"Handle,Title\nx,y\n", "lacks the columns: Option1 Name"),
        (TRAPS.read_bytes() + b'"a"b,c', "is not a CSV file"),
        (b"Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n\xff\xfe", "is not a CSV file"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, reason: str):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(CatalogueFileError, match=reason):
        read_catalogue(path, "EUR")


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(CatalogueFileError, match="cannot be read"):
        read_catalogue(tmp_path / "none.csv", "EUR")


async def _fingerprint(shop: Shop) -> list[list[tuple]]:
    return [
        await shop.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in ("products", "variants", "prices", "categories", "outbox", "stock_events", "stock_levels")
    ]
