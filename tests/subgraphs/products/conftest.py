"""A small catalogue on a real database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import orjson
import pytest

from kernel.calls import InProcessCalls
from kernel.database import Database, plain_url
from kernel.identity import Caller
from kernel.settings import Settings
from kernel.subgraph import Parts
from subgraphs.products.app import build, make_service
from subgraphs.products.domain.attributes import AttributeDefinition, AttributeKind
from subgraphs.products.storage import bulk
from subgraphs.products.storage.tables import METADATA

ADMIN = Caller(id="usr_admin", kind="admin")
BORN = datetime(2026, 1, 1, tzinfo=UTC)

CATEGORIES = [
    bulk.CategoryRow(id="cat_apparel", slug="apparel", name="Apparel", path=("cat_apparel",)),
    bulk.CategoryRow(
        id="cat_shoes",
        slug="shoes",
        name="Shoes",
        parent_id="cat_apparel",
        path=("cat_apparel", "cat_shoes"),
        position=1,
    ),
    bulk.CategoryRow(
        id="cat_shirts", slug="shirts", name="Shirts", parent_id="cat_apparel", path=("cat_apparel", "cat_shirts")
    ),
    bulk.CategoryRow(id="cat_juices", slug="juices", name="Juices", path=("cat_juices",), position=1),
]
SHOE = bulk.ProductTypeRow(
    id="ptype_shoe",
    slug="shoe",
    name="Shoe",
    attributes=(
        AttributeDefinition(code="sole", label="Sole", kind=AttributeKind.CHOICE, choices=("rubber", "leather")),
        AttributeDefinition(code="width", label="Width", kind=AttributeKind.NUMBER, unit="mm", for_variants=True),
    ),
)
JUICE = bulk.ProductTypeRow(id="ptype_juice", slug="juice", name="Juice")
PLACES = ("cat_shoes", "cat_shirts", "cat_juices")


def product_rows(count):
    """Make products 0 to `count`: shoes, shirts and juices in turn, each with two variants in two currencies."""
    products = [
        bulk.ProductRow(
            id=f"prod_{number:02}",
            slug=f"product-{number:02}",
            name=f"Product {number:02}",
            description=f"<p>Number {number}</p>",
            type_id="ptype_juice" if number % 3 == 2 else "ptype_shoe",
            category_id=PLACES[number % 3],
            created_at=BORN + timedelta(days=number),
            brand="Loom" if number % 2 else "Knot",
            tags=("even",) if number % 2 == 0 else ("odd",),
            attributes={} if number % 3 == 2 else {"sole": ("rubber",)},
        )
        for number in range(count)
    ]
    variants = [
        bulk.VariantRow(
            id=f"var_{number:02}{size}",
            product_id=f"prod_{number:02}",
            sku=f"P{number:02}-{size}",
            name=size,
            options={"Size": size},
            attributes={} if number % 3 == 2 else {"width": ("98.5",)},
            weight_grams=100 + number,
            position=position,
        )
        for number in range(count)
        for position, size in enumerate(("S", "L"))
    ]
    prices = [
        bulk.PriceRow(variant_id=variant.id, currency=currency, minor=minor + 100 * position)
        for position, variant in enumerate(variants)
        for currency, minor in (("EUR", 1000), ("USD", 1200))
    ]
    return products, variants, prices


@pytest.fixture(scope="session")
async def shared_database(make_database):
    async with Database(await make_database("products"), schema="products") as database:
        yield database


@pytest.fixture
async def database(shared_database):
    """An empty database."""
    connection = await asyncpg.connect(plain_url(shared_database.url), server_settings={"search_path": "products"})
    await connection.execute(f"TRUNCATE {', '.join(METADATA.tables)} RESTART IDENTITY")
    await connection.close()
    return shared_database


@pytest.fixture
def parts(database, clock):
    return Parts(database=database, calls=InProcessCalls("products", {}), clock=clock)


@pytest.fixture
def service(parts):
    return make_service(Settings.load(), parts)


@pytest.fixture
async def catalogue(parts):
    """The subgraph as it is built for real; what it would tell later is told before the next test."""
    subgraph = build(Settings.load(), parts)
    yield subgraph
    for close in subgraph.on_close:
        await close()


@pytest.fixture
def filled(database, clock):
    """Fill the catalogue with some products; shoes are a tenth cheaper now."""

    async def fill(count=12, *, promotions=True):
        products, variants, prices = product_rows(count)
        connection = await asyncpg.connect(plain_url(database.url))
        try:
            await bulk.copy(
                connection,
                categories=CATEGORIES,
                product_types=[SHOE, JUICE],
                products=products,
                variants=variants,
                prices=prices,
                promotions=[
                    bulk.PromotionRow(
                        id="promo_shoes",
                        name="Shoes",
                        percent=Decimal(10),
                        category_ids=("cat_shoes",),
                        starts_at=clock.now() - timedelta(days=1),
                        ends_at=clock.now() + timedelta(days=1),
                    )
                ]
                if promotions
                else [],
                collections=[
                    bulk.CollectionRow(
                        id="coll_new", slug="new", name="New", product_ids=tuple(each.id for each in products[1::-1])
                    )
                ],
            )
        finally:
            await connection.close()

    return fill


@pytest.fixture
def run(catalogue):
    """Run an operation that has no top-level error: `await run("{ … }", caller, variable=…)`."""

    async def execute(query, caller=ADMIN, /, **variables):
        result = await catalogue.executor.execute(query, variables, caller=caller)
        assert not result.errors, result.errors
        return result.data

    return execute


@pytest.fixture
def refused(catalogue):
    """Run an operation that ends in one top-level error and give its code."""

    async def execute(query, caller=ADMIN, /, **variables):
        result = await catalogue.executor.execute(query, variables, caller=caller)
        assert len(result.errors) == 1
        return result.errors[0]["extensions"]["code"]

    return execute


@pytest.fixture
def events(database):
    """Read what was told: the bodies of all events of a type, in their order."""

    async def read(kind):
        connection = await asyncpg.connect(plain_url(database.url))
        try:
            rows = await connection.fetch(
                "SELECT event->'data' AS data FROM products.outbox WHERE type = $1 ORDER BY position", kind
            )
        finally:
            await connection.close()
        return [orjson.loads(row["data"]) for row in rows]

    return read
