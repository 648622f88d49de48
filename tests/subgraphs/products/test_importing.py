"""Taking over products from elsewhere, again and again."""

import asyncio
from dataclasses import replace

import pytest

from kernel.errors import ConflictError, InvalidInputError
from kernel.identity import ANONYMOUS
from kernel.money import Money
from subgraphs.products.service import ImportedProduct, ImportedVariant, ImportOutcome, import_product

TEE = ImportedProduct(
    slug="ascii-tee",
    name="Monospace Tee",
    type_name="Top",
    category=("Apparel", "Shirts", "T-shirts"),
    description="<p>Your <b>second</b> skin<script>x()</script></p>",
    brand="Loom",
    tags=("Material:Cotton", "Featured"),
    variants=[
        ImportedVariant(sku="328223580", options={"Size": "S"}, prices=[Money(2000, "EUR"), Money(2200, "USD")]),
        ImportedVariant(options={"Size": "XXL"}, prices=[Money(2000, "EUR")], weight_grams=180),
    ],
)
QUERY = """{
  product(slug: "ascii-tee") {
    name description version category { slug ancestors { name } } productType { slug }
    variants { id sku name weightGrams price { amount } dollars: price(currency: "USD") { amount } }
  }
}"""


async def test_a_product_arrives_with_all_that_it_needs(service, run, events):
    result = await import_product(service, TEE)
    assert result.outcome is ImportOutcome.CREATED
    assert result.skus == ("328223580", "ascii-tee-xxl")
    product = (await run(QUERY, ANONYMOUS))["product"]
    assert product["description"] == "<p>Your <b>second</b> skin</p>"
    assert product["category"] == {
        "slug": "apparel-shirts-t-shirts",
        "ancestors": [{"name": "Apparel"}, {"name": "Shirts"}],
    }
    assert product["productType"] == {"slug": "top"}
    small, large = product["variants"]
    assert (small["name"], small["price"], small["dollars"]) == ("S", {"amount": "20.00"}, {"amount": "22.00"})
    assert (large["sku"], large["weightGrams"], large["dollars"]) == ("ascii-tee-xxl", 180, None)
    assert len(await events("ProductCreated")) == 1
    assert len(await events("CategoryChanged")) == 3
    assert len(await events("PriceChanged")) == 3


async def test_the_same_import_again_changes_nothing(service, run, events):
    await import_product(service, TEE)
    before = await run(QUERY)
    assert (await import_product(service, TEE)).outcome is ImportOutcome.UNCHANGED
    assert await run(QUERY) == before
    assert await events("ProductUpdated") == []
    assert len(await events("CategoryChanged")) == 3


@pytest.mark.parametrize(
    "changed",
    [
        replace(TEE, name="Other Tee"),
        replace(TEE, description=""),
        replace(TEE, category=("Apparel",)),
        replace(TEE, type_name="Shirt"),
        replace(TEE, published=False),
        replace(TEE, tags=()),
        replace(TEE, variants=[replace(TEE.variants[0], prices=[Money(1999, "EUR")])]),
        replace(TEE, variants=[replace(TEE.variants[0], weight_grams=5)]),
        replace(TEE, variants=[*TEE.variants, ImportedVariant(options={"Size": "M"}, prices=[Money(1, "EUR")])]),
    ],
)
async def test_what_differs_is_updated_and_ids_stay(service, run, events, changed):
    first = await import_product(service, TEE)
    before = (await run(QUERY))["product"]
    result = await import_product(service, changed)
    assert (result.outcome, result.product_id) == (ImportOutcome.UPDATED, first.product_id)
    assert (await import_product(service, changed)).outcome is ImportOutcome.UNCHANGED
    after = (await run(QUERY))["product"]
    assert after["version"] == 2
    assert [each["id"] for each in after["variants"]][:2] == [each["id"] for each in before["variants"]]
    assert len(await events("ProductUpdated")) == 1


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (replace(TEE, variants=[]), InvalidInputError),
        (replace(TEE, name=" "), InvalidInputError),
        (replace(TEE, slug="Not A Slug"), InvalidInputError),
        (replace(TEE, type_name="?"), InvalidInputError),
        (replace(TEE, category=("New", "")), InvalidInputError),
        (replace(TEE, variants=[ImportedVariant(prices=[Money(-1, "EUR")])]), InvalidInputError),
        (replace(TEE, variants=[ImportedVariant(sku="A"), ImportedVariant(sku="A")]), InvalidInputError),
        (replace(TEE, slug="other", variants=[replace(TEE.variants[0], sku="TAKEN")]), ConflictError),
    ],
)
async def test_a_bad_product_leaves_no_trace(service, run, events, wrong, error):
    taken = replace(TEE, slug="here-first", category=(), variants=[ImportedVariant(sku="TAKEN")])
    await import_product(service, taken)
    with pytest.raises(error):
        await import_product(service, wrong)
    assert len(await events("ProductCreated")) == 1
    assert await events("CategoryChanged") == []
    found = await run("{ products { totalCount } categories { nodes { id } } }")
    assert found == {"products": {"totalCount": 1}, "categories": {"nodes": []}}


async def test_many_imports_at_once_share_their_categories(service, run):
    tees = [
        replace(TEE, slug=f"tee-{number}", variants=[ImportedVariant(prices=[Money(1, "EUR")])]) for number in range(8)
    ]
    results = await asyncio.gather(*(import_product(service, tee) for tee in tees))
    assert {each.outcome for each in results} == {ImportOutcome.CREATED}
    found = await run("""{ products(where: {category: "apparel"}) { totalCount } productTypes { nodes { slug } }
        categories { nodes { slug children { slug children { slug } } } } }""")
    shirts = {"slug": "apparel-shirts", "children": [{"slug": "apparel-shirts-t-shirts"}]}
    assert found == {
        "products": {"totalCount": 8},
        "productTypes": {"nodes": [{"slug": "top"}]},
        "categories": {"nodes": [{"slug": "apparel", "children": [shirts]}]},
    }
