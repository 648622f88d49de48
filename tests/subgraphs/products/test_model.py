"""What products, categories and collections are beyond their names: attributes, words, rules, windows, slugs."""

from datetime import timedelta

import pytest

from kernel.database import count_statements
from kernel.identity import ANONYMOUS, Caller

VENDOR = Caller(id="usr_vendor", kind="vendor")

CREATE = """mutation ($input: ProductCreateInput!) { productCreate(input: $input) {
    product { id slug version published publishAt attributes { attribute { code } values } } errors { code path }
} }"""
UPDATE = """mutation ($id: ID!, $input: ProductUpdateInput!, $version: Int) {
    productUpdate(id: $id, input: $input, expectedVersion: $version) {
        product { slug version published name seo { title } } errors { code path } } }"""
TYPE = """mutation ($input: ProductTypeCreateInput!) { productTypeCreate(input: $input) {
    productType { id attributes { code minimum target label(language: "de-AT") } } errors { code path } } }"""
COLLECTION = """mutation ($input: CollectionCreateInput!) { collectionCreate(input: $input) {
    collection { id slug byRule } errors { code path } } }"""
MEMBERS = "query ($slug: String!) { products(where: {collection: $slug}, first: 100) { nodes { id } } }"


async def job(catalogue, name):
    await next(each for each in catalogue.jobs if each.name == name).run()


@pytest.fixture
def members(run):
    async def read(slug):
        return [each["id"] for each in (await run(MEMBERS, ANONYMOUS, slug=slug))["products"]["nodes"]]

    return read


async def lamp_type(run):
    definitions = [
        {"code": "height", "label": "Height", "kind": "NUMBER", "unit": "cm", "minimum": "1", "maximum": "300"},
        {"code": "story", "label": "Story", "kind": "RICH_TEXT", "labels": [{"language": "de", "text": "Geschichte"}]},
        {"code": "goes_with", "label": "Goes with", "kind": "REFERENCE", "target": "PRODUCT"},
        {"code": "manual", "label": "Manual", "kind": "FILE"},
    ]
    created = (await run(TYPE, input={"name": "Lamp", "attributes": definitions}))["productTypeCreate"]
    assert not created["errors"]
    return created["productType"]


async def test_attributes_of_every_kind_are_read_into_their_canonical_form(run, filled):
    await filled(2)
    lamp = await lamp_type(run)
    assert [each["label"] for each in lamp["attributes"]] == ["Height", "Geschichte", "Goes with", "Manual"]
    values = [
        {"code": "height", "values": ["30.50"]},
        {"code": "story", "values": ["<p onclick='x()'>Once<script>steal()</script></p>"]},
        {"code": "goes_with", "values": ["prod_00", "prod_01"]},
    ]
    created = await run(CREATE, input={"name": "Lamp", "productTypeId": lamp["id"], "attributes": values})
    assert not created["productCreate"]["errors"]
    said = {each["attribute"]["code"]: each["values"] for each in created["productCreate"]["product"]["attributes"]}
    assert said == {"height": ["30.5"], "story": ["<p>Once</p>"], "goes_with": ["prod_00", "prod_01"]}


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        ("height", "tall", "INVALID_INPUT"),
        ("height", "0.5", "INVALID_INPUT"),
        ("height", "NaN", "INVALID_INPUT"),
        ("story", "<script>only()</script>", "INVALID_INPUT"),
        ("story", "x" * 1_000_000, "INVALID_INPUT"),
        ("goes_with", "cat_shoes", "INVALID_INPUT"),
        ("goes_with", "prod_unknown", "NOT_FOUND"),
        ("manual", "file_unknown", "NOT_FOUND"),
        ("colour", "red", "INVALID_INPUT"),
    ],
)
async def test_a_wrong_value_is_a_typed_error(run, filled, code, value, expected):
    await filled(2)
    lamp = await lamp_type(run)
    wanted = {"name": "Lamp", "productTypeId": lamp["id"], "attributes": [{"code": code, "values": [value]}]}
    answer = (await run(CREATE, input=wanted))["productCreate"]
    assert answer["product"] is None
    assert [each["code"] for each in answer["errors"]] == [expected]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "REFERENCE"},
        {"kind": "TEXT", "target": "BRAND"},
        {"kind": "TEXT", "unit": "cm"},
        {"kind": "NUMBER", "minimum": "2", "maximum": "1"},
        {"kind": "TEXT", "labels": [{"language": "german", "text": "x"}]},
    ],
)
async def test_a_definition_that_means_nothing_is_refused(run, database, wrong):
    definition = {"code": "a", "label": "A", **wrong}
    answer = (await run(TYPE, input={"name": "T", "attributes": [definition]}))["productTypeCreate"]
    assert [each["code"] for each in answer["errors"]] == ["INVALID_INPUT"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"description": "x" * 1_000_000},
        {"name": "x" * 300},
        {"slug": "Not A Slug"},
        {"translations": [{"language": "klingon", "name": "x"}]},
        {"translations": [{"language": "de", "name": "x"}, {"language": "de", "name": "y"}]},
        {"publishAt": "2026-05-01T00:00:00Z", "unpublishAt": "2026-04-01T00:00:00Z"},
        {"publishAt": "2026-05-01T00:00:00"},
    ],
)
async def test_bad_input_is_a_typed_error_and_leaves_no_trace(run, filled, wrong):
    await filled(1)
    answer = (await run(UPDATE, id="prod_00", input=wrong))["productUpdate"]
    assert [each["code"] for each in answer["errors"]] == ["INVALID_INPUT"]
    assert (await run('{ product(id: "prod_00") { version } }'))["product"]["version"] == 1


async def test_what_is_not_translated_is_said_in_the_next_best_language(run, filled):
    await filled(1)
    said = [
        {"language": "de", "name": "Lampe", "description": "<p>Hell<script></script></p>", "seo": {"title": "Kauf!"}},
        {"language": "de-AT", "name": "Lamperl"},
    ]
    await run(UPDATE, id="prod_00", input={"translations": said, "seo": {"title": "Buy", "description": "It shines."}})
    query = """query ($in: String) { product(id: "prod_00") {
        name(language: $in) description(language: $in) seo(language: $in) { title description } } }"""
    austrian = (await run(query, ANONYMOUS, **{"in": "de-AT"}))["product"]
    assert austrian == {
        "name": "Lamperl",
        "description": "<p>Hell</p>",
        "seo": {"title": "Kauf!", "description": "It shines."},
    }
    assert (await run(query, ANONYMOUS, **{"in": "fr"}))["product"]["name"] == "Product 00"
    assert (await run(query, ANONYMOUS))["product"]["seo"]["title"] == "Buy"
    await run(UPDATE, id="prod_00", input={"translations": [{"language": "de-AT"}]})
    assert (await run(query, ANONYMOUS, **{"in": "de-AT"}))["product"]["name"] == "Lampe"


async def test_an_old_slug_leads_to_what_had_it_until_something_else_takes_it(run, filled):
    await filled(2)
    await run(UPDATE, id="prod_00", input={"slug": "lamp"})
    await run(UPDATE, id="prod_00", input={"slug": "bright-lamp"})
    by_slug = "query ($slug: String!) { product(slug: $slug) { id slug } }"
    for old in ("product-00", "lamp", "bright-lamp"):
        assert (await run(by_slug, ANONYMOUS, slug=old))["product"] == {"id": "prod_00", "slug": "bright-lamp"}
    await run(UPDATE, id="prod_01", input={"slug": "lamp"})
    assert (await run(by_slug, ANONYMOUS, slug="lamp"))["product"]["id"] == "prod_01"
    await run(UPDATE, id="prod_00", input={"slug": "product-00"})
    assert (await run(by_slug, ANONYMOUS, slug="product-00"))["product"]["slug"] == "product-00"
    assert (await run(by_slug, ANONYMOUS, slug="never"))["product"] is None


async def test_categories_keep_their_old_slugs_their_words_and_their_order(run, filled):
    await filled(0)
    change = """mutation ($id: ID!, $input: CategoryUpdateInput!) { categoryUpdate(id: $id, input: $input) {
        category { slug name(language: "de") seo { title } } errors { code } } }"""
    wanted = {"slug": "footwear", "seo": {"title": "Feet"}, "translations": [{"language": "de", "name": "Schuhe"}]}
    answer = (await run(change, id="cat_shoes", input=wanted))["categoryUpdate"]
    assert answer == {"category": {"slug": "footwear", "name": "Schuhe", "seo": {"title": "Feet"}}, "errors": []}
    assert (await run('{ category(slug: "shoes") { id } }', ANONYMOUS))["category"] == {"id": "cat_shoes"}
    reorder = """mutation ($ids: [ID!]!) { categoriesReorder(parentId: "cat_apparel", ids: $ids) {
        categories { id } errors { code path } } }"""
    answer = (await run(reorder, ids=["cat_shoes", "cat_shirts"]))["categoriesReorder"]
    assert answer == {"categories": [{"id": "cat_shoes"}, {"id": "cat_shirts"}], "errors": []}
    tree = await run('{ category(id: "cat_apparel") { children { id } } }', ANONYMOUS)
    assert [each["id"] for each in tree["category"]["children"]] == ["cat_shoes", "cat_shirts"]
    for wrong in (["cat_shoes"], ["cat_shoes", "cat_shoes"], ["cat_shoes", "cat_juices"]):
        answer = (await run(reorder, ids=wrong))["categoriesReorder"]
        assert answer["errors"] == [{"code": "INVALID_INPUT", "path": ["ids"]}]


async def test_a_category_cannot_be_hung_below_itself(run, filled):
    await filled(0)
    move = 'mutation { categoryMove(id: "cat_apparel", parentId: "cat_shoes") { errors { code path } } }'
    assert (await run(move))["categoryMove"]["errors"] == [{"code": "INVALID_INPUT", "path": ["parentId"]}]


async def test_a_rule_finds_the_products_of_a_collection_now_and_later(run, catalogue, filled, members):
    await filled(6)
    rule = {"category": "apparel", "price": {"currency": "EUR", "max": "13.00"}}
    created = (await run(COLLECTION, input={"name": "Cheap", "rule": rule}))["collectionCreate"]
    assert created["collection"]["byRule"] is True
    assert await members("cheap") == ["prod_00", "prod_01"]
    await run('mutation { variantPriceSet(sku: "P03-S", price: {amount: "5", currency: EUR}) { errors { code } } }')
    await run('mutation { variantPriceSet(sku: "P00-S", price: {amount: "99", currency: EUR}) { errors { code } } }')
    await job(catalogue, "products.collections")
    assert await members("cheap") == ["prod_00", "prod_01", "prod_03"]  # P00-L is still cheap
    await run('mutation { categoryMove(id: "cat_shirts") { errors { code } } }')
    await job(catalogue, "products.collections")
    assert await members("cheap") == ["prod_00", "prod_03"]
    fill = f"""mutation {{ collectionProductsSet(id: "{created["collection"]["id"]}", productIds: []) {{
        errors {{ code }} }} }}"""
    assert (await run(fill))["collectionProductsSet"]["errors"] == [{"code": "INVALID_STATE"}]
    change = f"""mutation {{ collectionUpdate(id: "{created["collection"]["id"]}", input: {{
        slug: "brand", rule: {{brand: "Loom"}} }}) {{ collection {{ slug }} errors {{ code }} }} }}"""
    assert (await run(change))["collectionUpdate"]["collection"] == {"slug": "brand"}
    assert await members("brand") == ["prod_01", "prod_03", "prod_05"]
    assert (await run('{ collection(slug: "cheap") { slug } }', ANONYMOUS))["collection"] == {"slug": "brand"}


@pytest.mark.parametrize("rule", [{}, {"collection": "new"}, {"NOT": [{"collection": "new"}]}])
async def test_a_rule_that_cannot_decide_is_refused(run, filled, rule):
    await filled(2)
    answer = (await run(COLLECTION, input={"name": "X", "rule": rule}))["collectionCreate"]
    assert [each["code"] for each in answer["errors"]] == ["INVALID_INPUT"]


async def test_products_are_found_by_their_attributes(run, filled):
    await filled(6)
    query = "query ($where: ProductWhere) { products(where: $where) { nodes { id } } }"

    async def found(**condition):
        answer = await run(query, ANONYMOUS, where={"attributes": [condition]})
        return [each["id"] for each in answer["products"]["nodes"]]

    assert await found(code="sole", values=["rubber"]) == ["prod_00", "prod_01", "prod_03", "prod_04"]
    assert await found(code="sole", values=["leather"]) == []
    assert await found(code="width", min="98", max="99") == ["prod_00", "prod_01", "prod_03", "prod_04"]
    assert await found(code="width", min="99") == []
    assert await found(code="sole", min="1") == []


async def test_a_product_is_published_and_taken_back_when_it_is_due(run, catalogue, filled, clock, events):
    await filled(1)
    soon, later = clock.now() + timedelta(hours=1), clock.now() + timedelta(hours=2)
    window = {"published": False, "publishAt": soon.isoformat(), "unpublishAt": later.isoformat()}
    await run(UPDATE, id="prod_00", input=window)
    await job(catalogue, "products.publication")
    seen = '{ product(id: "prod_00") { id publishAt } }'
    assert (await run(seen, ANONYMOUS))["product"] is None
    clock.advance(timedelta(hours=1))
    await job(catalogue, "products.publication")
    assert (await run(seen, ANONYMOUS))["product"] == {"id": "prod_00", "publishAt": None}
    clock.advance(timedelta(hours=1))
    await job(catalogue, "products.publication")
    assert (await run(seen, ANONYMOUS))["product"] is None
    assert [each["published"] for each in await events("ProductUpdated")] == [False, True, False]


async def test_of_two_who_edit_at_once_the_second_is_told(run, filled):
    await filled(1)
    first = await run(UPDATE, id="prod_00", input={"name": "One"}, version=1)
    second = await run(UPDATE, id="prod_00", input={"name": "Two"}, version=1)
    assert first["productUpdate"]["product"]["version"] == 2
    assert second["productUpdate"]["errors"] == [{"code": "STALE_VERSION", "path": ["expectedVersion"]}]


async def test_brands_have_pages(run, filled):
    await filled(2)
    create = """mutation ($input: BrandCreateInput!) { brandCreate(input: $input) {
        brand { id slug name website } errors { code } } }"""
    wanted = {"name": "Loom", "website": "https://loom.example", "description": "<b>Since 1900</b><script></script>"}
    created = (await run(create, input=wanted))["brandCreate"]["brand"]
    assert created["slug"] == "loom"
    assert (await run(create, input=wanted))["brandCreate"]["errors"][0]["code"] in {"DUPLICATE_SLUG", "ALREADY_EXISTS"}
    wrong = {"name": "X", "website": "javascript:alert(1)"}
    assert (await run(create, input=wrong))["brandCreate"]["errors"] == [{"code": "INVALID_INPUT"}]
    change = f"""mutation {{ brandUpdate(id: "{created["id"]}", input: {{
        translations: [{{language: "de", description: "Seit 1900"}}] }}) {{ errors {{ code }} }} }}"""
    assert (await run(change))["brandUpdate"]["errors"] == []
    page = await run('{ brand(name: "Loom") { description(language: "de") } brands { nodes { slug } } }', ANONYMOUS)
    assert page == {"brand": {"description": "Seit 1900"}, "brands": {"nodes": [{"slug": "loom"}]}}


@pytest.mark.parametrize("first", [1, 10])
async def test_a_category_page_costs_as_many_statements_for_any_number(run, catalogue, filled, first):
    await filled()
    query = """query ($first: Int) { category(slug: "shoes") { name ancestors { name } children { name }  }
        products(where: {category: "shoes"}, first: $first) { nodes {
            name(language: "de") brand seo { title } priceRange { minimum { amount } onSale } } } }"""
    with count_statements(catalogue.database) as counted:
        page = await run(query, ANONYMOUS, first=first)
    assert counted.total == 4  # the category with its family, products, variants, promotions
    assert page["category"] == {"name": "Shoes", "ancestors": [{"name": "Apparel"}], "children": []}
