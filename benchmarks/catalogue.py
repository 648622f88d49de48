"""Product page, category page and search over HTTP: CPU of all processes, beside Vendure's measured figures.

A store is started empty and given what Vendure was measured with: 1,000 products with 5 variants each, 30 categories.
What is counted is the CPU of `storegraph up` and everything below it (router, eight subgraphs, PostgreSQL with all its
backends, Valkey), one request after the other, each for another page, less what a store takes that has nothing to do.
Vendure's figures are those of an earlier run of Vendure 3.7.3 on two cores with PostgreSQL 15, its server and
PostgreSQL together: they are recorded here, not measured again.
"""

from __future__ import annotations

import argparse
import csv
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.checkout import Measured, Store, rest, running_store

PRODUCTS: Final = 1_000
VARIANTS: Final = 5
CATEGORIES: Final = 30
_WARM_UP: Final = 60
_HALF: Final = 0.5
_THINGS: Final = ("lamp", "tent", "boot", "jacket", "kettle", "chair", "rope", "bottle", "scarf", "knife")
_WORDS: Final = ("light", "warm", "dry", "bright", "quiet", "sturdy", "small", "soft", "fresh", "plain")
_PRODUCT: Final = """query ($slug: String!) { product(slug: $slug) { id name description brand tags
    category { name slug } collections { name slug } media { alt } priceRange { minimum { amount currency } onSale }
    variants { id sku name options { name value } price { amount currency } undiscountedPrice { amount }
        availability { inStock quantityAvailable } } } }"""
_CATEGORY: Final = """query ($slug: String!) { products(first: 24, where: {category: $slug}) {
    totalCount pageInfo { hasNextPage endCursor } nodes { id slug name brand media { alt }
        priceRange { minimum { amount currency } maximum { amount } onSale } } } }"""
_SEARCH: Final = """query ($words: String!) { productSearch(query: $words, first: 24) {
    totalCount pageInfo { hasNextPage endCursor } nodes { id slug name brand media { alt }
        priceRange { minimum { amount currency } maximum { amount } onSale } } } }"""
_SHELVES: Final = "{ categories(first: 100) { nodes { slug } } }"
_STOCKED: Final = """query ($slug: String!) { product(slug: $slug) { variants { availability { inStock } } } }"""


def main() -> int:
    """Measure, print a table in Markdown, and tell by the exit code whether the ratios are reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1_000, help="how often each page is looked at")
    measured = measure(parser.parse_args().times)
    print("| page | CPU ms, all processes | Vendure 3.7.3 | ratio | must be |")
    print("| --- | --- | --- | --- | --- |")
    for row in measured:
        print(f"| {row.name} | {row.ours:.2f} | {row.vendure:.1f} | {row.ratio:.3f} | <= {row.bound:.2f} |")
    return 0 if all(row.ratio <= row.bound for row in measured) else 1


def measure(times: int) -> Sequence[Measured]:
    """Look at pages of a store of our own."""
    with running_store("--empty") as store:
        _stock(store)
        shelves = [each["slug"] for each in store.run(_SHELVES)["nodes"]]
        dice = random.Random(11)
        product = _cost(store, times, lambda: store.run(_PRODUCT, slug=f"product-{dice.randrange(PRODUCTS)}"))
        category = _cost(store, times, lambda: store.run(_CATEGORY, slug=dice.choice(shelves)))
        search = _cost(store, times, lambda: store.run(_SEARCH, words=f"{dice.choice(_WORDS)} {dice.choice(_THINGS)}"))
    return [
        Measured("product page with prices and stock", product, 1, 13.6 + 13.9, _HALF),
        Measured("category page of 24, without facets yet", category, 1, 9.0 + 12.1, _HALF),
        Measured("text search, page of 24, without facets yet", search, 1, 11.9 + 708, _HALF),
    ]


def _cost(store: Store, times: int, look: Callable[[], Any]) -> float:
    for _ in range(_WARM_UP):
        look()
    idle = rest(store)
    began, cpu = time.monotonic(), store.cpu()
    for _ in range(times):
        look()
    return (store.cpu() - cpu - idle * (time.monotonic() - began)) / times


def _stock(store: Store) -> None:
    """Bring the products in as a shop's owner does, and wait until the warehouse has the last of them."""
    file = store.data_dir / "products.csv"
    _write(file)
    command = [sys.executable, "-m", "runtime.cli", "import-catalogue", str(file), "--data-dir", str(store.data_dir)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not _stocked(store):
        if time.monotonic() > deadline:
            raise TimeoutError("the warehouse did not get the products")
        time.sleep(0.5)


def _stocked(store: Store) -> bool:
    last = store.run(_STOCKED, slug=f"product-{PRODUCTS - 1}")
    return all(each["availability"]["inStock"] for each in last["variants"])


def _write(file: Path) -> None:
    """Write the catalogue as Shopify exports it."""
    dice = random.Random(7)
    columns = ("Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Tags", "Published")
    columns += ("Option1 Name", "Option1 Value", "Variant SKU", "Variant Grams", "Variant Inventory Qty")
    columns += ("Variant Price", "Status")
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(columns)
        for number in range(PRODUCTS):
            words, thing = dice.sample(_WORDS, 3), _THINGS[number % len(_THINGS)]
            text = f"<p>A {words[1]} and {words[2]} {thing}, made for every day.</p>"
            about = (f"{words[0].title()} {thing} {number}", text, f"Brand {number % 20}")
            about += (f"Shelf {number % CATEGORIES}", "Thing", ", ".join(words[:2]), "TRUE")
            for place in range(VARIANTS):
                told = about if place == 0 else ("",) * len(about)
                size, price = f"{36 + place}", f"{10 + number % 90 + place}.50"
                sold = ("Size", size, f"P{number}-{size}", "500", "1000", price, "active" if place == 0 else "")
                rows.writerow((f"product-{number}", *told, *sold))


if __name__ == "__main__":
    sys.exit(main())
