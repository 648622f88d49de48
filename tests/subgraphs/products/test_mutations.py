"""Changing the catalogue through its schema: roles, versions, typed errors, and what is told to others."""

import asyncio

import pytest

from kernel.identity import ANONYMOUS, Caller

ADMIN = Caller(id="usr_admin", kind="admin")
STAFF = Caller(id="usr_staff", kind="staff")
CUSTOMER = Caller(id="usr_1", kind="customer")
VENDOR = Caller(id="usr_vendor", kind="vendor")
OTHER_VENDOR = Caller(id="usr_other", kind="vendor")

CREATE = """
mutation ($input: ProductCreateInput!) {
  productCreate(input: $input) {
    product { id slug name description published version variants { id sku name price { amount } } }
    errors { __typename code message path }
  }
}
"""
UPDATE = """
mutation ($id: ID!, $input: ProductUpdateInput!, $version: Int) {
  productUpdate(id: $id, input: $input, expectedVersion: $version) {
    product { slug name description version brand tags published category { slug } attributes { values } }
    errors { __typename code path }
  }
}
"""
PRICE = """
mutation ($sku: String!, $price: MoneyInput!, $version: Int) {
  variantPriceSet(sku: $sku, price: $price, expectedVersion: $version) {
    variant { undiscountedPrice { amount } product { version } } errors { code path }
  }
}
"""


def boots(**changes):
    variant = {
        "sku": "BOOT-42",
        "options": [{"name": "Size", "value": "42"}],
        "attributes": [{"code": "width", "values": ["101.0"]}],
        "prices": [{"amount": "89.90", "currency": "EUR"}],
    }
    return {
        "name": "Böhm's Boots",
        "productTypeId": "ptype_shoe",
        "categoryId": "cat_shoes",
        "attributes": [{"code": "sole", "values": ["leather"]}],
        "published": True,
        "variants": [variant],
    } | changes


async def test_a_product_is_created_and_told(run, filled, events):
    await filled(1, promotions=False)
    payload = (await run(CREATE, input=boots(description="<p>Warm<script>x()</script></p>")))["productCreate"]
    assert payload["errors"] == []
    product = payload["product"]
    assert product["slug"] == "bohms-boots"
    assert product["description"] == "<p>Warm</p>"
    assert product["version"] == 1
    (variant,) = product["variants"]
    assert (variant["name"], variant["price"]) == ("42", {"amount": "89.90"})
    (created,) = await events("ProductCreated")
    facts = {"id": variant["id"], "sku": "BOOT-42", "name": "42"}
    assert created == {
        "product_id": product["id"],
        "name": "Böhm's Boots",
        "category_id": "cat_shoes",
        "variants": [facts],
        "published": True,
        "brand": "",
        "tags": [],
        "attributes": {"sole": ["leather"]},
    }
    (priced,) = await events("PriceChanged")
    assert (priced["sku"], priced["old_minor"], priced["new_minor"]) == ("BOOT-42", None, 8990)
    found = await run('{ productSearch(query: "leath") { nodes { slug } } }', ANONYMOUS)
    assert {"slug": "bohms-boots"} in found["productSearch"]["nodes"]


VARIANT = boots()["variants"][0]


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"slug": "product-00"}, "DUPLICATE_SLUG", ["slug"]),
        ({"variants": [VARIANT | {"sku": "P00-S"}]}, "DUPLICATE_SKU", ["sku"]),
        ({"categoryId": "cat_none"}, "NOT_FOUND", ["categoryId"]),
        ({"productTypeId": "ptype_none"}, "NOT_FOUND", ["productTypeId"]),
        ({"slug": "No Slug"}, "INVALID_INPUT", ["slug"]),
        ({"name": "!!!"}, "INVALID_INPUT", ["slug"]),
        ({"name": " ", "slug": "x"}, "INVALID_INPUT", ["name"]),
        ({"description": "x" * 1_000_000}, "INVALID_INPUT", ["description"]),
        ({"attributes": [{"code": "sole", "values": ["cheese"]}]}, "INVALID_INPUT", ["attributes", "sole"]),
        ({"attributes": [{"code": "width", "values": ["1"]}]}, "INVALID_INPUT", ["attributes"]),
        ({"variants": [VARIANT, VARIANT]}, "INVALID_INPUT", ["variants", "sku"]),
        ({"variants": [VARIANT | {"weightGrams": -1}]}, "INVALID_INPUT", ["variants", "weightGrams"]),
        ({"variants": [VARIANT | {"prices": [{"amount": "-1", "currency": "EUR"}]}]}, "INVALID_INPUT", ["price"]),
        (
            {"variants": [VARIANT | {"prices": [{"amount": "1.001", "currency": "EUR"}]}]},
            "INVALID_INPUT",
            ["prices", "amount"],
        ),
        (
            {
                "variants": [
                    VARIANT | {"prices": [{"amount": "1", "currency": "EUR"}, {"amount": "2", "currency": "EUR"}]}
                ]
            },
            "INVALID_INPUT",
            ["prices"],
        ),
    ],
)
async def test_what_makes_no_product_is_refused_and_leaves_nothing(run, filled, events, changes, code, path):
    await filled(1)
    payload = (await run(CREATE, input=boots(**changes)))["productCreate"]
    assert payload["product"] is None
    assert [(error["code"], error["path"]) for error in payload["errors"]] == [(code, path)]
    assert await events("ProductCreated") == []
    assert (await run("{ products { totalCount } }"))["products"]["totalCount"] == 1


@pytest.mark.parametrize(
    ("caller", "code"), [(ANONYMOUS, "UNAUTHENTICATED"), (CUSTOMER, "FORBIDDEN"), (STAFF, "FORBIDDEN")]
)
async def test_the_catalogue_is_changed_by_admins_and_vendors_only(refused, filled, events, caller, code):
    await filled(1)
    assert await refused(CREATE, caller, input=boots()) == code
    assert await refused(UPDATE, caller, id="prod_00", input={"name": "x"}) == code
    assert await refused(PRICE, caller, sku="P00-S", price={"amount": "1", "currency": "EUR"}) == code
    assert await refused('mutation { categoryCreate(input: {name: "x"}) { errors { code } } }', caller) == code
    assert await refused('mutation { promotionEnd(id: "promo_shoes") { errors { code } } }', caller) == code
    assert await events("ProductUpdated") == []


async def test_vendors_change_only_what_is_theirs(run, refused, filled):
    await filled(1)
    mine = (await run(CREATE, VENDOR, input=boots(published=False)))["productCreate"]["product"]
    assert (await run(UPDATE, VENDOR, id=mine["id"], input={"name": "Mine"}))["productUpdate"]["errors"] == []
    for caller, product_id in ((OTHER_VENDOR, mine["id"]), (VENDOR, "prod_00")):
        payload = (await run(UPDATE, caller, id=product_id, input={"name": "Stolen"}))["productUpdate"]
        assert payload["errors"] == [{"__typename": "ForbiddenError", "code": "FORBIDDEN", "path": None}]
    assert await refused('mutation { categoryCreate(input: {name: "x"}) { errors { code } } }', VENDOR) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("caller", "seen"),
    [(ANONYMOUS, False), (CUSTOMER, False), (OTHER_VENDOR, False), (VENDOR, True), (STAFF, True), (ADMIN, True)],
)
async def test_drafts_are_seen_by_their_owner_and_staff(run, filled, caller, seen):
    await filled(1)
    draft = (await run(CREATE, VENDOR, input=boots(published=False)))["productCreate"]["product"]
    query = """query ($id: ID!, $r: [_Any!]!) { product(id: $id) { id } variant(sku: "BOOT-42") { sku }
        products { totalCount } productSearch(query: "boots") { totalCount }
        _entities(representations: $r) { __typename } }"""
    found = await run(query, caller, id=draft["id"], r=[{"__typename": "Product", "id": draft["id"]}])
    assert (found["product"] is not None) is seen
    assert (found["variant"] is not None) is seen
    assert (found["_entities"][0] is not None) is seen
    assert found["products"]["totalCount"] == (2 if seen else 1)
    assert found["productSearch"]["totalCount"] == 0


async def test_an_update_changes_what_is_named_and_null_clears(run, filled, events):
    await filled(1)
    payload = (await run(UPDATE, id="prod_00", input={"name": "Renamed", "tags": ["a", "a"]}, version=1))[
        "productUpdate"
    ]
    assert payload["product"] == {
        "slug": "product-00",
        "name": "Renamed",
        "description": "<p>Number 0</p>",
        "version": 2,
        "brand": "Knot",
        "tags": ["a"],
        "published": True,
        "category": {"slug": "shoes"},
        "attributes": [{"values": ["rubber"]}],
    }
    cleared = {
        "brand": None,
        "description": None,
        "categoryId": None,
        "tags": None,
        "attributes": None,
        "published": False,
    }
    product = (await run(UPDATE, id="prod_00", input=cleared))["productUpdate"]["product"]
    assert (product["brand"], product["description"], product["category"], product["tags"]) == (None, "", None, [])
    assert (product["attributes"], product["published"], product["version"]) == ([], False, 3)
    for field in ("name", "slug"):
        payload = (await run(UPDATE, id="prod_00", input={field: None}))["productUpdate"]
        assert payload["errors"][0]["path"] == ["input", field]
    told = await events("ProductUpdated")
    assert [each["published"] for each in told] == [True, False]


async def test_nothing_is_written_or_told_when_nothing_changes(run, filled, events):
    await filled(1)
    payload = (await run(UPDATE, id="prod_00", input={"name": "Product 00"}))["productUpdate"]
    assert payload["product"]["version"] == 1
    assert await events("ProductUpdated") == []


async def test_the_second_of_two_edits_learns_that_it_is_late(run, filled):
    await filled(1)
    edits = [run(UPDATE, id="prod_00", input={"name": f"Name {n}"}, version=1) for n in range(5)]
    errors = [(await edit)["productUpdate"]["errors"] for edit in asyncio.as_completed(edits)]
    late = [{"__typename": "ConflictError", "code": "STALE_VERSION", "path": ["expectedVersion"]}]
    assert sorted(errors, key=len) == [[], late, late, late, late]


async def test_edits_of_different_fields_do_not_lose_each_other(run, filled):
    await filled(1)
    await asyncio.gather(
        run(UPDATE, id="prod_00", input={"name": "New name"}),
        run(UPDATE, id="prod_00", input={"brand": "New brand"}),
        run(PRICE, sku="P00-S", price={"amount": "5", "currency": "EUR"}),
        run(PRICE, sku="P00-L", price={"amount": "6", "currency": "EUR"}),
    )
    product = (
        await run('{ product(id: "prod_00") { name brand version variants { undiscountedPrice { amount } } } }')
    )["product"]
    assert (product["name"], product["brand"], product["version"]) == ("New name", "New brand", 5)
    assert [each["undiscountedPrice"]["amount"] for each in product["variants"]] == ["5.00", "6.00"]


async def test_prices_are_set_per_currency(run, filled, events):
    await filled(1)
    payload = (await run(PRICE, sku="P00-S", price={"amount": "12.34", "currency": "EUR"}, version=1))[
        "variantPriceSet"
    ]
    assert payload["variant"] == {"undiscountedPrice": {"amount": "12.34"}, "product": {"version": 2}}
    assert await events("PriceChanged") == [
        {"product_id": "prod_00", "sku": "P00-S", "currency": "EUR", "old_minor": 1000, "new_minor": 1234}
    ]
    for price, path in (
        ({"amount": "1.234", "currency": "EUR"}, ["price", "amount"]),
        ({"amount": "-1", "currency": "EUR"}, ["price"]),
    ):
        payload = (await run(PRICE, sku="P00-S", price=price))["variantPriceSet"]
        assert payload["errors"] == [{"code": "INVALID_INPUT", "path": path}]
    payload = (await run(PRICE, sku="none", price={"amount": "1", "currency": "EUR"}))["variantPriceSet"]
    assert payload["errors"] == [{"code": "NOT_FOUND", "path": ["sku"]}]


async def test_variants_are_added_and_changed(run, filled, events):
    await filled(1)
    add = """mutation ($input: ProductVariantInput!) { productVariantCreate(productId: "prod_00", input: $input) {
        product { variants { sku name } } errors { code } } }"""
    size = {"sku": "P00-XL", "options": [{"name": "Size", "value": "XL"}]}
    payload = (await run(add, input=size))["productVariantCreate"]
    assert [each["sku"] for each in payload["product"]["variants"]] == ["P00-S", "P00-L", "P00-XL"]
    payload = (await run(add, input=size | {"sku": "P00-XL2"}))["productVariantCreate"]
    assert payload["errors"] == [{"code": "INVALID_INPUT"}]
    change = """mutation ($input: ProductVariantUpdateInput!) { productVariantUpdate(sku: "P00-XL", input: $input) {
        variant { name weightGrams attributes { values } options { value } } errors { code path } } }"""
    payload = (
        await run(
            change,
            input={
                "name": "Extra",
                "weightGrams": 7,
                "attributes": [{"code": "width", "values": ["9"]}],
                "options": [{"name": "Size", "value": "XXL"}],
            },
        )
    )["productVariantUpdate"]
    assert payload == {
        "variant": {
            "name": "Extra",
            "weightGrams": 7,
            "attributes": [{"values": ["9"]}],
            "options": [{"value": "XXL"}],
        },
        "errors": [],
    }
    told = await events("ProductUpdated")
    assert [variant["sku"] for variant in told[-1]["variants"]] == ["P00-S", "P00-L", "P00-XL"]


async def test_the_tree_grows_moves_and_stays_a_tree(run, filled, events):
    await filled(3)
    create = """mutation ($input: CategoryCreateInput!) { categoryCreate(input: $input) {
        category { id slug position ancestors { slug } } errors { code path } } }"""
    boots_category = (await run(create, input={"name": "Boots", "parentId": "cat_shoes"}))["categoryCreate"]["category"]
    assert boots_category["ancestors"] == [{"slug": "apparel"}, {"slug": "shoes"}]
    refusals = [
        ({"name": "Boots"}, "DUPLICATE_SLUG", ["slug"]),
        ({"name": "X", "parentId": "cat_none"}, "NOT_FOUND", ["parentId"]),
        ({"name": " ", "slug": "x"}, "INVALID_INPUT", ["name"]),
    ]
    for given, code, path in refusals:
        assert (await run(create, input=given))["categoryCreate"]["errors"] == [{"code": code, "path": path}]

    move = """mutation ($id: ID!, $parent: ID) { categoryMove(id: $id, parentId: $parent) {
        category { parent { slug } ancestors { slug } } errors { code path } } }"""
    moved = (await run(move, id="cat_shoes", parent="cat_juices"))["categoryMove"]
    assert moved["category"] == {"parent": {"slug": "juices"}, "ancestors": [{"slug": "juices"}]}
    query = """query ($slug: String!) { category(slug: $slug) { ancestors { slug } } }"""
    assert (await run(query, slug="boots"))["category"]["ancestors"] == [{"slug": "juices"}, {"slug": "shoes"}]
    count = "query ($slug: String!) { products(where: {category: $slug}) { totalCount } }"
    assert (await run(count, slug="juices"))["products"]["totalCount"] == 2
    assert (await run(count, slug="apparel"))["products"]["totalCount"] == 1

    for target in (boots_category["id"], "cat_shoes"):
        cycle = (await run(move, id="cat_shoes", parent=target))["categoryMove"]
        assert cycle["errors"] == [{"code": "INVALID_INPUT", "path": ["parentId"]}]
    root = (await run(move, id="cat_shoes", parent=None))["categoryMove"]
    assert root["category"] == {"parent": None, "ancestors": []}
    assert (await run(query, slug="boots"))["category"]["ancestors"] == [{"slug": "shoes"}]

    rename = """mutation { categoryUpdate(id: "cat_shoes", input: {name: "Footwear", position: 9}) {
        category { name slug position } errors { code } } }"""
    assert (await run(rename))["categoryUpdate"]["category"] == {"name": "Footwear", "slug": "shoes", "position": 9}
    search = "query ($query: String!) { productSearch(query: $query) { nodes { id } } }"
    assert (await run(search, query="footwear"))["productSearch"]["nodes"] == [{"id": "prod_00"}]
    assert (await run(search, query="apparel footwear"))["productSearch"]["nodes"] == []
    await run(move, id="cat_shoes", parent="cat_apparel")
    assert (await run(search, query="apparel footwear"))["productSearch"]["nodes"] == [{"id": "prod_00"}]
    told = await events("CategoryChanged")
    assert [(each["name"], each["parent_id"]) for each in told] == [
        ("Boots", "cat_shoes"),
        ("Shoes", "cat_juices"),
        ("Shoes", None),
        ("Footwear", None),
        ("Footwear", "cat_apparel"),
    ]


async def test_only_empty_categories_are_taken_away(run, filled, events):
    await filled(1)
    delete = "mutation ($id: ID!) { categoryDelete(id: $id) { category { slug } errors { code path } } }"
    for full in ("cat_apparel", "cat_shoes"):
        payload = (await run(delete, id=full))["categoryDelete"]
        assert payload == {"category": None, "errors": [{"code": "INVALID_STATE", "path": ["id"]}]}
    assert (await run(delete, id="cat_juices"))["categoryDelete"]["category"] == {"slug": "juices"}
    assert (await run(delete, id="cat_juices"))["categoryDelete"]["errors"] == [{"code": "NOT_FOUND", "path": ["id"]}]
    assert [(each["category_id"], each["removed"]) for each in await events("CategoryChanged")] == [
        ("cat_juices", True)
    ]


async def test_two_moves_at_once_make_no_cycle(run, filled):
    await filled(1)
    move = "mutation ($id: ID!, $parent: ID) { categoryMove(id: $id, parentId: $parent) { errors { code } } }"
    outcomes = await asyncio.gather(
        run(move, id="cat_apparel", parent="cat_juices"), run(move, id="cat_juices", parent="cat_shoes")
    )
    assert sorted(len(each["categoryMove"]["errors"]) for each in outcomes) == [0, 1]


async def test_the_tree_does_not_grow_too_deep(run, filled):
    await filled(1)
    create = """mutation ($name: String!, $parent: ID) { categoryCreate(input: {name: $name, parentId: $parent}) {
        category { id } errors { code } } }"""
    parent = None
    for depth in range(10):
        parent = (await run(create, name=f"Level {depth}", parent=parent))["categoryCreate"]["category"]["id"]
    assert (await run(create, name="Too deep", parent=parent))["categoryCreate"]["errors"] == [
        {"code": "INVALID_INPUT"}
    ]
    move = 'mutation ($parent: ID) { categoryMove(id: "cat_apparel", parentId: $parent) { errors { code } } }'
    assert (await run(move, parent=parent))["categoryMove"]["errors"] == [{"code": "INVALID_INPUT"}]


async def test_product_types_check_their_attributes(run, filled):
    await filled(1)
    create = """mutation ($input: ProductTypeCreateInput!) { productTypeCreate(input: $input) {
        productType { slug attributes { code choices } } errors { code path } } }"""
    colour = {"code": "colour", "label": "Colour", "kind": "CHOICE", "choices": ["red", "blue"]}
    payload = (await run(create, input={"name": "Top", "attributes": [colour]}))["productTypeCreate"]
    assert payload["productType"] == {"slug": "top", "attributes": [{"code": "colour", "choices": ["red", "blue"]}]}
    refusals = [
        ({"name": "Top"}, "DUPLICATE_SLUG", ["slug"]),
        ({"name": "New", "attributes": [colour, colour]}, "INVALID_INPUT", ["attributes"]),
        ({"name": "New", "attributes": [colour | {"choices": []}]}, "INVALID_INPUT", ["choices"]),
    ]
    for given, code, path in refusals:
        assert (await run(create, input=given))["productTypeCreate"]["errors"] == [{"code": code, "path": path}]


async def test_collections_hold_products(run, filled):
    await filled(3)
    created = await run(
        """mutation { collectionCreate(input: {name: "Summer picks", description: "<b>Sun</b>"}) {
            collection { id slug description } errors { code } } }"""
    )
    collection = created["collectionCreate"]["collection"]
    assert (collection["slug"], collection["description"]) == ("summer-picks", "<b>Sun</b>")
    fill = """mutation ($id: ID!, $products: [ID!]!) { collectionProductsSet(id: $id, productIds: $products) {
        collection { slug } errors { code path } } }"""
    query = '{ products(where: {collection: "summer-picks"}) { nodes { id } } }'
    await run(fill, id=collection["id"], products=["prod_02", "prod_00", "prod_02"])
    assert [each["id"] for each in (await run(query))["products"]["nodes"]] == ["prod_00", "prod_02"]
    payload = (await run(fill, id=collection["id"], products=["prod_01", "prod_none"]))["collectionProductsSet"]
    assert payload["errors"] == [{"code": "NOT_FOUND", "path": ["productIds"]}]
    assert len((await run(query))["products"]["nodes"]) == 2
    payload = (await run(fill, id="coll_none", products=["prod_01"]))["collectionProductsSet"]
    assert payload["errors"] == [{"code": "NOT_FOUND", "path": ["id"]}]
    await run(fill, id=collection["id"], products=[])
    assert (await run(query))["products"]["nodes"] == []


PROMOTE = """
mutation ($input: PromotionCreateInput!) {
  promotionCreate(input: $input) { promotion { id name } errors { code path } }
}
"""
WINDOW = {"startsAt": "2026-05-01T00:00:00Z", "endsAt": "2026-07-01T00:00:00Z"}


async def test_promotions_start_and_end(run, filled):
    await filled(2, promotions=False)
    fixed = {"name": "Off", "amounts": [{"amount": "2.50", "currency": "EUR"}], "productIds": ["prod_01"], **WINDOW}
    promotion = (await run(PROMOTE, input=fixed))["promotionCreate"]["promotion"]
    query = """{ product(id: "prod_01") { priceRange { minimum { amount } undiscountedMinimum { amount } onSale } } }"""
    assert (await run(query))["product"]["priceRange"] == {
        "minimum": {"amount": "9.50"},
        "undiscountedMinimum": {"amount": "12.00"},
        "onSale": True,
    }
    why = """{ variant(sku: "P01-S") { promotion { id name percent amounts { amount currency } } } }"""
    reason = {"id": promotion["id"], "name": "Off", "percent": None, "amounts": [{"amount": "2.50", "currency": "EUR"}]}
    assert (await run(why, ANONYMOUS))["variant"]["promotion"] == reason
    end = "mutation ($id: ID!) { promotionEnd(id: $id) { promotion { endsAt } errors { code } } }"
    assert (await run(end, id=promotion["id"]))["promotionEnd"]["promotion"]["endsAt"].startswith("2026-06-01T12:00")
    assert (await run(query))["product"]["priceRange"]["onSale"] is False
    assert (await run(why, ANONYMOUS))["variant"]["promotion"] is None
    listed = await run("{ promotions { totalCount nodes { name } } }", STAFF)
    assert listed["promotions"] == {"totalCount": 1, "nodes": [{"name": "Off"}]}
    later = WINDOW | {"startsAt": "2026-06-20T00:00:00Z"}
    promotion = (await run(PROMOTE, input=fixed | later))["promotionCreate"]["promotion"]
    assert (await run(end, id=promotion["id"]))["promotionEnd"]["errors"] == []
    assert (await run(end, id=promotion["id"]))["promotionEnd"]["errors"] == [{"code": "NOT_FOUND"}]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"percent": "0"}, ["percent"]),
        ({"percent": "101"}, ["percent"]),
        ({"percent": None}, ["percent"]),
        ({"amounts": [{"amount": "1", "currency": "EUR"}]}, ["percent"]),
        ({"percent": None, "amounts": []}, ["amounts"]),
        ({"endsAt": "2026-05-01T00:00:00Z"}, ["endsAt"]),
        ({"startsAt": "2026-05-01T00:00:00"}, ["startsAt"]),
        ({"categoryIds": []}, ["categoryIds"]),
        ({"name": ""}, ["name"]),
    ],
)
async def test_what_makes_no_promotion_is_refused(run, filled, changes, path):
    await filled(1)
    given = {"name": "Ten", "percent": "10", "categoryIds": ["cat_shoes"], **WINDOW} | changes
    payload = (await run(PROMOTE, input=given))["promotionCreate"]
    assert payload["errors"] == [{"code": "INVALID_INPUT", "path": path}]


@pytest.mark.parametrize(
    "changes", [{"categoryIds": ["cat_none"]}, {"categoryIds": [], "productIds": ["prod_00", "prod_9"]}]
)
async def test_a_promotion_runs_on_what_there_is(run, filled, changes):
    await filled(1)
    given = {"name": "Ten", "percent": "10", "categoryIds": ["cat_shoes"], **WINDOW} | changes
    payload = (await run(PROMOTE, input=given))["promotionCreate"]
    assert payload["errors"] == [{"code": "NOT_FOUND", "path": ["input"]}]
