from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from kernel.database import Database, plain_url
from subgraphs.products.domain.attributes import AttributeDefinition, AttributeKind
from subgraphs.products.storage import bulk
from subgraphs.products.storage.tables import METADATA

NOW = datetime(2026, 6, 1, tzinfo=UTC)


async def test_a_catalogue_is_loaded_as_it_is_given(make_database):
    url = await make_database("products")
    connection = await asyncpg.connect(plain_url(url))
    try:
        await bulk.copy(
            connection,
            categories=[
                bulk.CategoryRow(id="cat_1", slug="apparel", name="Apparel", path=("cat_1",)),
                bulk.CategoryRow(id="cat_2", slug="shoes", name="Shoes", parent_id="cat_1", path=("cat_1", "cat_2")),
            ],
            product_types=[
                bulk.ProductTypeRow(
                    id="ptype_1",
                    slug="shoe",
                    name="Shoe",
                    attributes=(AttributeDefinition(code="sole", label="Sole", kind=AttributeKind.TEXT),),
                )
            ],
            products=[
                bulk.ProductRow(
                    id="prod_1",
                    slug="plimsoll",
                    name="Plimsolls",
                    type_id="ptype_1",
                    category_id="cat_2",
                    created_at=NOW,
                    tags=("summer",),
                    attributes={"sole": ("rubber",)},
                )
            ],
            variants=[bulk.VariantRow(id="var_1", product_id="prod_1", sku="PL-42", name="42", options={"Size": "42"})],
            prices=[bulk.PriceRow(variant_id="var_1", currency="EUR", minor=1999)],
            promotions=[
                bulk.PromotionRow(
                    id="promo_1",
                    name="Ten",
                    percent=Decimal(10),
                    category_ids=("cat_1",),
                    starts_at=NOW,
                    ends_at=datetime(2027, 1, 1, tzinfo=UTC),
                ),
                bulk.PromotionRow(
                    id="promo_2",
                    name="Fiver",
                    amounts={"EUR": 500},
                    product_ids=("prod_1",),
                    starts_at=NOW,
                    ends_at=datetime(2027, 1, 1, tzinfo=UTC),
                ),
            ],
            collections=[bulk.CollectionRow(id="coll_1", slug="new", name="New", product_ids=("prod_1",))],
        )
        words = await connection.fetchval("SELECT keywords FROM products.products")
        found = await connection.fetchval(
            "SELECT count(*) FROM products.products WHERE search @@ to_tsquery('english', 'plimsoll & pl-42 & summer')"
        )
    finally:
        await connection.close()
    assert words == "Shoe summer rubber 42 PL-42"
    assert found == 1


async def test_the_tables_are_what_the_migration_makes(make_database):
    url = await make_database("products")
    async with Database(url, schema="products") as database, database.engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), METADATA)
        )
    assert [each for each in differences if each[1].name != "alembic_version"] == []
