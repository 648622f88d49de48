"""A large catalogue: how long and with how much memory it is imported, and what its pages cost."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import orjson
from rich.table import Table
from sqlalchemy import text

from kernel.calls import InProcessCalls
from kernel.collector import spare_what_is_there
from kernel.database import Database, count_statements
from kernel.identity import ANONYMOUS
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.products.app import build
from tests.prove.catalogue_input import MIGRATIONS
from tests.prove.checkout import HERE
from tests.prove.claims import Prover
from tests.servers import PostgresForTests, Servers

_STOREGRAPH: Final = str(Path(sys.executable).with_name("storegraph"))
_BRANDS: Final = 50
_CATEGORIES: Final = 40
_SIZES: Final = ("S", "M", "L", "XL")
_LOOKS: Final = 200
_WORDS: Final = ("light", "warm", "dry", "bright", "quiet", "sturdy", "small", "soft", "fresh", "plain")
_THINGS: Final = ("lamp", "tent", "boot", "jacket", "kettle", "chair", "rope", "bottle", "scarf", "knife")
_IMPORT_MEMORY: Final = 400.0
"""MB that the import's process may take, however large the file is."""
_IMPORT_MILLISECONDS: Final = 20.0
"""For each product with its four variants."""
_PRODUCT: Final = """query ($slug: String!) { product(slug: $slug) { name description brand tags
    category { name } collections { slug } attributes { attribute { label } values }
    priceRange { minimum { amount currency } onSale }
    variants { sku name options { name value } price { amount } undiscountedPrice { amount } } } }"""
_CATEGORY: Final = """query ($slug: String!, $first: Int!) { category(slug: $slug) { name ancestors { name }
    children { name slug } } products(where: {category: $slug}, first: $first) { pageInfo { hasNextPage } nodes {
    slug name brand priceRange { minimum { amount } onSale } variants { sku price { amount } } } } }"""
_SEARCH: Final = """query ($words: String!, $first: Int!) { productSearch(query: $words, first: $first) {
    nodes { slug name brand priceRange { minimum { amount } } } } }"""


_BREADCRUMBS: Final = _PRODUCT.replace("category { name }", "category { name ancestors { name slug } }")
Variables = Callable[[random.Random], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """What somebody looks at: how it is asked for, and how many statements it may take."""

    name: str
    document: str
    variables: Variables
    statements: int = 4


async def prove_scale(prover: Prover, servers: Servers, postgres: PostgresForTests, count: int) -> None:
    """Import so many products by the command that operators use, then look at pages of the catalogue."""
    url = await postgres.database({"products": MIGRATIONS})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "products.jsonl"
        with file.open("wb") as out:
            out.writelines(_lines(count))
        _import(prover, servers, url, file, count)
    async with Database(url, schema="products") as database:
        async with database.session() as session:
            found = await session.scalar(text("SELECT count(*) FROM products"))
            variants = await session.scalar(text("SELECT count(*) FROM variants"))
            prover.equal("products and variants that are there", (found, variants), (count, 4 * count))
        async with database.transaction() as session:
            await session.execute(text("ANALYZE"))
        parts = Parts(database=database, calls=InProcessCalls("products", {}))
        shelves = list(await _shelves(database))
        await _look(prover, build(Settings.load(database_url=url), parts), _pages(count, shelves), "from the database")
        os.environ["STOREGRAPH_PRODUCTS_CACHE_SECONDS"] = "30"
        kept = (*_pages(count, shelves), Page("product page with breadcrumbs", _BREADCRUMBS, _of_products(count)))
        products = build(Settings.load(database_url=url), parts)
        del os.environ["STOREGRAPH_PRODUCTS_CACHE_SECONDS"]
        await _look(prover, products, kept, "kept for buyers")
        await products.close()


def _lines(count: int) -> Iterator[bytes]:
    """Write a product with four variants on each line."""
    dice = random.Random(count)
    for number in range(count):
        words = dice.sample(_WORDS, 3)
        thing = _THINGS[number % len(_THINGS)]
        price = 500 + dice.randrange(20_000)
        yield orjson.dumps(
            {
                "slug": f"product-{number}",
                "name": f"{words[0].title()} {thing} {number}",
                "type": "Thing",
                "category": ["Everything", f"Shelf {number % _CATEGORIES}"],
                "description": f"<p>A {words[1]} and {words[2]} {thing}, made for every day.</p>",
                "brand": f"Brand {number % _BRANDS}",
                "tags": words[:2],
                "variants": [
                    {
                        "sku": f"P{number}-{size}",
                        "name": size,
                        "options": {"Size": size},
                        "weightGrams": 100 + number % 900,
                        "prices": {"EUR": f"{(price + 100 * place) / 100:.2f}", "USD": f"{price / 90:.2f}"},
                    }
                    for place, size in enumerate(_SIZES)
                ],
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


def _import(prover: Prover, servers: Servers, url: str, file: Path, count: int) -> None:
    environment = {
        **os.environ,
        "STOREGRAPH_DATABASE_URL": url,
        "STOREGRAPH_INTERNAL_KEY": servers.directory.secrets().internal_key,
    }
    command = [_STOREGRAPH, "products", "import", str(file), "--currency", "EUR", "--data-dir", str(file.parent)]
    with (file.parent / "said").open("w+b") as said:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=HERE, env=environment, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode:
            raise AssertionError(said.read().decode()[-1000:])
    cpu = used.ru_utime + used.ru_stime
    told = f"{seconds:.0f} s, of which {cpu:.0f} s of CPU in the command; {count / seconds:.0f} products/s"
    prover.console.print(f"  {file.stat().st_size / 1e6:.0f} MB imported in {told}")
    prover.at_most("import, milliseconds for each product", 1000 * seconds / count, _IMPORT_MILLISECONDS, "ms")
    prover.at_most("import, largest memory of the command", used.ru_maxrss / 1024, _IMPORT_MEMORY, "MB")


async def _shelves(database: Database) -> Iterable[str]:
    async with database.session() as session:
        return await session.scalars(text("SELECT slug FROM categories WHERE parent_id IS NOT NULL"))


def _pages(count: int, shelves: Sequence[str]) -> Sequence[Page]:
    def of_shelf(first: int) -> Variables:
        return lambda dice: {"slug": dice.choice(shelves), "first": first}

    return (
        Page("product page", _PRODUCT, _of_products(count)),
        *(Page(f"category page of {first}", _CATEGORY, of_shelf(first)) for first in (1, 24, 100)),
        Page("search, page of 24", _SEARCH, lambda dice: {"words": _some_words(dice), "first": 24}),
    )


def _of_products(count: int) -> Variables:
    return lambda dice: {"slug": f"product-{dice.randrange(count)}"}


async def _look(prover: Prover, products: Subgraph, pages: Sequence[Page], how: str) -> None:
    spare_what_is_there()  # as a server does
    table = Table("page", "statements", "p50 ms", "p99 ms", "CPU ms, service", title=how)
    for page in pages:
        dice = random.Random(5)
        await _ask(products, page, dice)
        with count_statements(products.database) as counted:
            await _ask(products, page, dice)
        began = time.process_time()
        times = [await _milliseconds(_ask(products, page, dice)) for _ in range(_LOOKS)]
        cpu = 1000 * (time.process_time() - began) / _LOOKS
        hundredths = quantiles(times, n=100)
        table.add_row(page.name, str(counted.total), f"{hundredths[49]:.1f}", f"{hundredths[98]:.1f}", f"{cpu:.1f}")
        prover.at_most(f"{page.name}, {how}: statements", counted.total, page.statements)
    prover.console.print(table)


def _some_words(dice: random.Random) -> str:
    return f"{dice.choice(_WORDS)} {dice.choice(_THINGS)}"


async def _ask(products: Subgraph, page: Page, dice: random.Random) -> Mapping[str, Any]:
    result = await products.executor.execute(page.document, page.variables(dice), caller=ANONYMOUS)
    if result.errors or result.data is None or None in result.data.values():
        raise AssertionError(f"{page.name}: {result.errors or result.data}")
    return result.data


async def _milliseconds(asked: Awaitable[object]) -> float:
    began = time.perf_counter()
    await asked
    return 1000 * (time.perf_counter() - began)
