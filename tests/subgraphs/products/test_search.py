"""Finding products by words, through the schema and against its port."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.database import count_statements
from kernel.identity import ANONYMOUS
from kernel.money import Money
from kernel.pagination import Page
from subgraphs.products.domain.search import PriceRange, ProductFilter, SearchRequest
from subgraphs.products.service import ImportedProduct, ImportedVariant, import_product
from subgraphs.products.storage.search import PostgresSearch

GOODS = {
    "white-plimsolls": ("White Plimsolls", "Shoe", ("Apparel", "Sneakers"), "<p>PE at school would be fun.</p>", 8000),
    "blue-plimsolls": ("Blue Plimsolls", "Shoe", ("Apparel", "Sneakers"), "<p>Step into summer.</p>", 7500),
    "dash-force": ("Dash Force", "Shoe", ("Apparel", "Sneakers"), "<p>Better than any plimsolls.</p>", 9000),
    "carrot-juice": ("Carrot Juice", "Juice", ("Groceries", "Juices"), "<p>Improve your eyesight.</p>", 199),
    "apple-juice": ("Apple Juice", "Juice", ("Groceries", "Juices"), "<p>Fell straight from the tree.</p>", 199),
    "code-division-tee": ("Code Division T-shirt", "Top", ("Apparel", "T-shirts"), "<p>Wear it.</p>", 2000),
    "cafe-mug": ("Café Mug", "Simple", ("Accessories", "Homewares"), "<b>C++ inside</b>", 1200),
}


@pytest.fixture
async def goods(service):
    for slug, (name, kind, category, description, price) in GOODS.items():
        variant = ImportedVariant(sku=f"SKU-{slug}-42", options={"Size": "XXL"}, prices=[Money(price, "EUR")])
        await import_product(
            service,
            ImportedProduct(
                slug=slug,
                name=name,
                type_name=kind,
                category=category,
                description=description,
                brand="Loom" if kind == "Top" else "",
                tags=("Featured",) if kind == "Juice" else (),
                variants=[variant],
            ),
        )


async def search(run, query, **variables):
    document = """query ($query: String!, $where: ProductWhere, $first: Int, $after: String) {
      productSearch(query: $query, where: $where, first: $first, after: $after) {
        totalCount nodes { slug } pageInfo { hasNextPage endCursor } } }"""
    return (await run(document, ANONYMOUS, query=query, **variables))["productSearch"]


def slugs(found):
    return [node["slug"] for node in found["nodes"]]


@pytest.mark.parametrize(
    ("query", "first", "others"),
    [
        ("carrot", "carrot-juice", set()),
        ("Plimsoll", None, {"white-plimsolls", "blue-plimsolls", "dash-force"}),
        ("blue plims", "blue-plimsolls", set()),
        ("JUICES", None, {"carrot-juice", "apple-juice"}),
        ("jui", None, {"carrot-juice", "apple-juice"}),
        ("eyesight", "carrot-juice", set()),
        ("loom", "code-division-tee", set()),
        ("featured juice", None, {"carrot-juice", "apple-juice"}),
        ("the t-shirt", "code-division-tee", set()),
        ("SKU-dash-force-42", "dash-force", set()),
        ("sku-dash", "dash-force", set()),
        ("xxl carrot", "carrot-juice", set()),
        ("sneakers", None, {"white-plimsolls", "blue-plimsolls", "dash-force"}),
        ("apparel dash", "dash-force", set()),
        ("nothing of the sort", None, set()),
        ("", None, set()),
        ("   ", None, set()),
        ("& | ! ( ) : * <->", None, set()),
        ("carrot' | 'apple", None, set()),
        ("carrot:*\\", "carrot-juice", set()),
    ],
)
async def test_words_find_products(run, goods, query, first, others):
    found = await search(run, query)
    assert set(slugs(found)) == others | ({first} if first else set())
    assert found["totalCount"] == len(slugs(found))


async def test_a_word_in_the_name_beats_one_in_the_description(run, goods):
    assert slugs(await search(run, "plimsolls"))[-1] == "dash-force"


async def test_filters_narrow_what_words_find(run, goods):
    assert slugs(await search(run, "juice", where={"tag": "Featured", "ids": []})) == []
    found = await search(run, "plimsolls", where={"price": {"currency": "EUR", "max": "76.00"}})
    assert slugs(found) == ["blue-plimsolls"]
    assert slugs(await search(run, "plimsolls", where={"category": "groceries"})) == []
    assert len(slugs(await search(run, "plimsolls", where={"category": "apparel"}))) == 3


async def test_pages_of_an_answer_follow_each_other(run, goods):
    seen, after = [], None
    for _ in range(3):
        page = await search(run, "plimsolls", first=1, after=after)
        seen += slugs(page)
        after = page["pageInfo"]["endCursor"]
    assert not page["pageInfo"]["hasNextPage"]
    assert sorted(seen) == ["blue-plimsolls", "dash-force", "white-plimsolls"]


@pytest.mark.parametrize("n", [1, 3])
async def test_a_page_of_an_answer_costs_four_statements_for_any_number(catalogue, run, goods, n):
    query = """query ($n: Int!) { productSearch(query: "plimsolls", first: $n) {
      nodes { name category { name } priceRange { minimum { amount } } variants { sku price { amount } } } } }"""
    with count_statements(catalogue.database) as counted:
        found = await run(query, ANONYMOUS, n=n)
    assert counted.total == 4
    assert len(found["productSearch"]["nodes"]) == n


async def test_the_port_counts_and_filters(service, goods):
    engine = PostgresSearch(service.database)
    cheap = ProductFilter(price=PriceRange(currency="EUR", highest=Money(7600, "EUR")))
    request = SearchRequest(text="plimsolls", page=Page(first=5), where=cheap)
    assert await engine.count(request) == 1
    (hit,) = (await engine.find(request)).items
    assert hit.rank > 0


async def test_searches_are_told_together_and_nothing_that_looks_like_a_person(catalogue, run, goods, events):
    for words in ("PLIMSOLLS ", "nothing of that kind", "ada@example.com"):
        found = await run("query($q: String!) { productSearch(query: $q) { pageInfo { endCursor } } }", q=words)
    after = found["productSearch"]["pageInfo"]["endCursor"]
    await run('query($a: String) { productSearch(query: "plimsolls", after: $a) { nodes { id } } }', a=after)

    await catalogue.on_close[0]()
    # Other tests of this database search too, and what they searched for is told seconds later.
    (told,) = [each for each in await events("ProductsSearched") if "nothing of that kind" in str(each)]

    searches = [(each["words"], each["found"]) for each in told["searches"] if each["words"] != "plimsolls"]
    assert (told["searches"][0]["words"], told["searches"][0]["found"]) == ("plimsolls", 3)
    assert searches == [("nothing of that kind", 0)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60) | st.text(alphabet="'\\:*&|!()<->\" a", max_size=30))
async def test_no_text_breaks_the_search(service, text):
    await PostgresSearch(service.database).find(SearchRequest(text=text, page=Page(first=1)))
