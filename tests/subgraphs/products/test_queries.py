"""Reading the catalogue through its schema, with the number of statements that each read costs."""

import pytest

from kernel.database import count_statements
from kernel.identity import ANONYMOUS, Caller

ORDERS = Caller.service("orders")
CUSTOMER = Caller(id="usr_1", kind="customer")

PAGE = """
query ($first: Int!) {
  products(first: $first) {
    totalCount
    nodes {
      id slug name brand tags version category { name slug } productType { name attributes { code } }
      attributes { attribute { label } values }
      priceRange { minimum { amount currency } maximum { amount } undiscountedMinimum { amount } onSale }
      variants { sku name weightGrams options { name value } price { amount } undiscountedPrice { amount }
        attributes { attribute { code unit } values } product { id } }
    }
  }
}
"""


@pytest.mark.parametrize("first", [1, 10])
async def test_a_product_list_page_costs_four_statements_for_any_number(catalogue, run, filled, first):
    await filled()
    with count_statements(catalogue.database) as counted:
        page = (await run(PAGE, ANONYMOUS, first=first))["products"]
    assert counted.total == 4  # products with category and type, how many in all, variants with prices, promotions
    assert len(page["nodes"]) == first
    assert page["totalCount"] == 12
    shoe = page["nodes"][0]
    assert shoe["category"] == {"name": "Shoes", "slug": "shoes"}
    assert shoe["attributes"] == [{"attribute": {"label": "Sole"}, "values": ["rubber"]}]
    assert shoe["priceRange"] == {
        "minimum": {"amount": "9.00", "currency": "EUR"},
        "maximum": {"amount": "9.90"},
        "undiscountedMinimum": {"amount": "10.00"},
        "onSale": True,
    }
    small, large = shoe["variants"]
    assert (small["sku"], large["sku"]) == ("P00-S", "P00-L")
    assert small["options"] == [{"name": "Size", "value": "S"}]
    assert small["price"] == {"amount": "9.00"}
    assert small["undiscountedPrice"] == {"amount": "10.00"}
    assert small["attributes"] == [{"attribute": {"code": "width", "unit": "mm"}, "values": ["98.5"]}]


@pytest.mark.parametrize("by", ['id: "prod_00"', 'slug: "product-00"'])
async def test_a_product_page_costs_four_statements(catalogue, run, filled, by):
    await filled()
    query = f"""{{ product({by}) {{ name description category {{ name }} collections {{ slug }}
        priceRange(currency: "USD") {{ minimum {{ amount currency }} }}
        variants {{ sku price {{ amount }} attributes {{ values }} product {{ slug }} }} }} }}"""
    with count_statements(catalogue.database) as counted:
        product = (await run(query, ANONYMOUS))["product"]
    assert counted.total == 4
    assert product["description"] == "<p>Number 0</p>"
    assert product["priceRange"] == {"minimum": {"amount": "10.80", "currency": "USD"}}
    assert product["collections"] == [{"slug": "new"}]
    assert product["variants"][0]["product"] == {"slug": "product-00"}


ENTITIES = """
query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on Product { id slug name priceRange { minimum { amount } } }
    ... on ProductVariant { id sku price { amount } product { name } }
    ... on Category { id slug ancestors { slug } parent { slug } children { slug } }
    ... on Collection { id slug }
  }
}
"""


@pytest.mark.parametrize("n", [1, 10])
@pytest.mark.parametrize(
    ("type_name", "key", "values", "statements"),
    [
        ("Product", "id", [f"prod_{number:02}" for number in range(10)], 3),
        ("Product", "slug", [f"product-{number:02}" for number in range(10)], 3),
        ("ProductVariant", "id", [f"var_{number:02}S" for number in range(10)], 3),
        ("ProductVariant", "sku", [f"P{number:02}-S" for number in range(10)], 3),
    ],
)
async def test_entities_cost_the_same_for_any_number(catalogue, run, filled, type_name, key, values, statements, n):
    await filled()
    wanted = [{"__typename": type_name, key: value} for value in values[:n]]
    with count_statements(catalogue.database) as counted:
        found = (await run(ENTITIES, ANONYMOUS, representations=wanted))["_entities"]
    assert counted.total == statements
    assert [each[key] for each in found] == values[:n]


@pytest.mark.parametrize("n", [1, 4])
async def test_categories_know_their_place_in_the_tree(catalogue, run, filled, n):
    await filled()
    slugs = ["shoes", "apparel", "shirts", "juices"][:n]
    wanted = [{"__typename": "Category", "slug": slug} for slug in slugs]
    with count_statements(catalogue.database) as counted:
        found = (await run(ENTITIES, ANONYMOUS, representations=wanted))["_entities"]
    assert counted.total == 1  # with all above them and those right below
    assert found[0] == {
        "id": "cat_shoes",
        "slug": "shoes",
        "ancestors": [{"slug": "apparel"}],
        "parent": {"slug": "apparel"},
        "children": [],
    }
    if n == 4:
        assert found[1]["children"] == [{"slug": "shirts"}, {"slug": "shoes"}]


async def test_what_is_not_there_is_null(run, filled):
    await filled(2)
    found = await run(
        ENTITIES,
        ANONYMOUS,
        representations=[
            {"__typename": "Product", "id": "prod_none"},
            {"__typename": "ProductVariant", "sku": "none"},
            {"__typename": "Category", "id": "cat_none"},
            {"__typename": "Collection", "slug": "none"},
        ],
    )
    assert found["_entities"] == [None] * 4
    query = """{ product(slug: "none") { id } variant(sku: "none") { id } category(id: "none") { id }
        collection(id: "none") { id } }"""
    assert await run(query, ANONYMOUS) == {"product": None, "variant": None, "category": None, "collection": None}


@pytest.mark.parametrize("query", ["{ product { id } }", '{ category(id: "a", slug: "b") { id } }'])
async def test_a_key_is_named_once(refused, filled, query):
    await filled(1)
    assert await refused(query, ANONYMOUS) == "INVALID_INPUT"


WHERE = "query ($where: ProductWhere) { products(where: $where, first: 50) { totalCount nodes { id } } }"


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        (None, range(12)),
        ({"category": "shoes"}, (0, 3, 6, 9)),
        ({"category": "apparel"}, (0, 1, 3, 4, 6, 7, 9, 10)),
        ({"categoryId": "cat_juices"}, (2, 5, 8, 11)),
        ({"category": "nothing"}, ()),
        ({"collection": "new"}, (0, 1)),
        ({"productType": "juice"}, (2, 5, 8, 11)),
        ({"brand": "Loom", "category": "shoes"}, (3, 9)),
        ({"tag": "even", "productType": "juice"}, (2, 8)),
        ({"ids": ["prod_01", "prod_07", "prod_99"]}, (1, 7)),
        ({"price": {"currency": "EUR", "min": "10.50", "max": "13.00"}}, (0, 1)),
        ({"price": {"currency": "USD", "max": "12.00"}}, (0,)),
        ({"price": {"currency": "JPY"}}, ()),
        ({"OR": [{"ids": ["prod_01"]}, {"category": "juices"}]}, (1, 2, 5, 8, 11)),
        ({"AND": [{"tag": "even"}, {"category": "shoes"}]}, (0, 6)),
        ({"NOT": [{"category": "apparel"}, {"tag": "even"}]}, (5, 11)),
        ({"OR": [{"AND": [{"tag": "odd"}, {"NOT": [{"category": "apparel"}]}]}, {"ids": ["prod_00"]}]}, (0, 5, 11)),
    ],
)
async def test_filters(run, filled, where, numbers):
    await filled()
    found = (await run(WHERE, ANONYMOUS, where=where))["products"]
    assert [node["id"] for node in found["nodes"]] == [f"prod_{number:02}" for number in numbers]
    assert found["totalCount"] == len(numbers)


@pytest.mark.parametrize(
    "where",
    [
        {"AND": [{"AND": [{"AND": [{"AND": [{"tag": "x"}]}]}]}]},
        {"OR": [{"tag": str(number)} for number in range(21)]},
        {"ids": [str(number) for number in range(101)]},
        {"price": {"currency": "EUR", "min": "1.001"}},
    ],
)
async def test_absurd_filters_are_refused(refused, filled, where):
    await filled(1)
    assert await refused(WHERE, ANONYMOUS, where=where) == "INVALID_INPUT"


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("field", ["NAME", "CREATED_AT", "PRICE"])
async def test_pages_follow_each_other_without_gaps(run, filled, field, direction):
    await filled(7)
    query = """query ($after: String, $order: ProductOrderBy!) {
      products(first: 3, after: $after, orderBy: $order) { nodes { id } pageInfo { hasNextPage endCursor } } }"""
    seen, after = [], None
    while True:
        page = (await run(query, ANONYMOUS, after=after, order={"field": field, "direction": direction}))["products"]
        seen += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    expected = [f"prod_{number:02}" for number in range(7)]
    assert seen == (expected if direction == "ASC" else expected[::-1])


async def test_pages_are_read_backwards_too(run, filled):
    await filled(5)
    query = """query ($before: String) { products(last: 2, before: $before) {
        nodes { id } pageInfo { hasPreviousPage startCursor } } }"""
    last = (await run(query, ANONYMOUS))["products"]
    assert [node["id"] for node in last["nodes"]] == ["prod_03", "prod_04"]
    earlier = (await run(query, ANONYMOUS, before=last["pageInfo"]["startCursor"]))["products"]
    assert [node["id"] for node in earlier["nodes"]] == ["prod_01", "prod_02"]


async def test_a_cursor_of_another_order_is_refused(run, refused, filled):
    await filled(3)
    query = """query ($after: String, $order: ProductOrderBy) {
      products(first: 1, after: $after, orderBy: $order) { pageInfo { endCursor } } }"""
    cursor = (await run(query, ANONYMOUS))["products"]["pageInfo"]["endCursor"]
    assert await refused(query, ANONYMOUS, after=cursor, order={"field": "PRICE"}) == "INVALID_INPUT"
    assert await refused(query, ANONYMOUS, after="garbage") == "INVALID_INPUT"


async def test_categories_collections_and_types_are_listed(run, filled):
    await filled(1)
    query = """{ categories { nodes { slug children { slug } } } below: categories(parentId: "cat_apparel", first: 1) {
        nodes { slug } pageInfo { hasNextPage } } collections { nodes { slug } }
        productTypes { nodes { slug attributes { kind choices } } } }"""
    found = await run(query, ANONYMOUS)
    assert found["categories"]["nodes"] == [
        {"slug": "apparel", "children": [{"slug": "shirts"}, {"slug": "shoes"}]},
        {"slug": "juices", "children": []},
    ]
    assert found["below"] == {"nodes": [{"slug": "shirts"}], "pageInfo": {"hasNextPage": True}}
    assert found["collections"]["nodes"] == [{"slug": "new"}]
    assert [each["slug"] for each in found["productTypes"]["nodes"]] == ["juice", "shoe"]
    assert found["productTypes"]["nodes"][1]["attributes"][0] == {"kind": "CHOICE", "choices": ["rubber", "leather"]}


FOR_SALE = """
query ($skus: [String!]!) {
  variantsForSale(skus: $skus, currency: "EUR") {
    sku variantId productId name weightGrams availableForPurchase unitPrice { amount } undiscountedUnitPrice { amount }
  }
}
"""


@pytest.mark.parametrize("n", [1, 10])
async def test_orders_price_a_cart_in_two_statements(catalogue, run, filled, n):
    await filled()
    skus = [f"P{number:02}-L" for number in range(n)]
    with count_statements(catalogue.database) as counted:
        found = (await run(FOR_SALE, ORDERS, skus=[*skus, "none", skus[0]]))["variantsForSale"]
    assert counted.total == 2
    assert [each["sku"] for each in found] == skus
    assert found[0] == {
        "sku": "P00-L",
        "variantId": "var_00L",
        "productId": "prod_00",
        "name": "Product 00 (L)",
        "weightGrams": 100,
        "availableForPurchase": True,
        "unitPrice": {"amount": "9.90"},
        "undiscountedUnitPrice": {"amount": "11.00"},
    }


@pytest.mark.parametrize(
    ("caller", "code"),
    [(ANONYMOUS, "UNAUTHENTICATED"), (CUSTOMER, "FORBIDDEN"), (Caller(id="usr_a", kind="admin"), "FORBIDDEN")],
)
async def test_only_services_ask_what_is_for_sale(refused, filled, caller, code):
    await filled(1)
    assert await refused(FOR_SALE, caller, skus=["P00-S"]) == code


async def test_a_promotion_holds_within_its_window(run, filled, clock):
    await filled(1)
    query = '{ variant(sku: "P00-S") { price { amount } } }'
    assert (await run(query, ANONYMOUS))["variant"]["price"] == {"amount": "9.00"}
    clock.advance(seconds=24 * 3600)
    assert (await run(query, ANONYMOUS))["variant"]["price"] == {"amount": "10.00"}


async def test_promotions_are_listed_for_staff(refused, filled):
    await filled(1)
    assert await refused("{ promotions { totalCount } }", CUSTOMER) == "FORBIDDEN"


async def test_no_price_in_a_currency_is_null(run, filled):
    await filled(1)
    query = """{ variant(sku: "P00-S") { price(currency: "JPY") { amount } undiscountedPrice(currency: "JPY") { amount }
        product { priceRange(currency: "JPY") { onSale } } } }"""
    nothing = {"price": None, "undiscountedPrice": None, "product": {"priceRange": None}}
    assert (await run(query, ANONYMOUS))["variant"] == nothing


async def test_every_list_counts_itself_when_asked(run, filled):
    await filled()
    counts = await run(
        """{ categories { totalCount } below: categories(parentId: "cat_apparel") { totalCount }
             collections { totalCount } productTypes { totalCount } }""",
        ANONYMOUS,
    )

    assert {name: found["totalCount"] for name, found in counts.items()} == {
        "categories": 2,
        "below": 2,
        "collections": 1,
        "productTypes": 2,
    }


async def test_a_category_by_its_slug_holds_the_products_of_those_below_it(run, filled):
    await filled()
    query = """query ($slug: String!) { products(first: 50, where: { category: $slug }) {
        totalCount nodes { category { slug } } } }"""
    above = (await run(query, ANONYMOUS, slug="apparel"))["products"]
    below = (await run(query, ANONYMOUS, slug="shoes"))["products"]

    assert above["totalCount"] >= below["totalCount"] > 0
    assert {node["category"]["slug"] for node in below["nodes"]} == {"shoes"}
