"""One contract for the store of documents: PostgreSQL, and MongoDB's protocol by both of its drivers."""

import random
from dataclasses import replace

import pytest

from kernel.errors import InfrastructureError
from subgraphs.products.domain import documents as domain
from subgraphs.products.domain.documents import document_of, fact
from subgraphs.products.storage.documents.jsonb import JsonbDocuments
from subgraphs.products.storage.documents.mongo import MongoDocuments, connect
from tests.mongo_server import mongo_server

CONTENT = {
    "material": {"upper": "Leather", "lining": ["Wool", "Felt"]},
    "weight": 1.5,
    "pairs": 2,
    "waterproof": True,
    "nothing": None,
    "ünï cødé": "ß",
}


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory):
    with mongo_server(tmp_path_factory.mktemp("mongo") / "log") as url:
        yield url


@pytest.fixture(params=["jsonb", "pymongo", "motor"])
async def store(request, database):
    if request.param == "jsonb":
        yield JsonbDocuments(database)
        return
    client = connect(request.getfixturevalue("mongo_url"), request.param)
    name = f"test_{random.randrange(2**40)}"
    store = MongoDocuments(client, name)
    yield store
    await client.drop_database(name)
    await store.close()


async def test_what_is_put_is_read_as_it_was(store):
    documents = [document_of(f"prod_{number}", 1, {**CONTENT, "number": number}) for number in range(3)]
    await store.put(documents)
    assert await store.get(["prod_0", "prod_2", "prod_9"]) == {"prod_0": documents[0], "prod_2": documents[2]}
    assert await store.get([]) == {}


async def test_the_newest_version_stays_whichever_comes_first(store):
    versions = [document_of("prod_1", version, {"version": version}) for version in range(1, 6)]
    for document in random.sample(versions, 5):
        await store.put([document])
        await store.put([document])
    assert (await store.get(["prod_1"]))["prod_1"] == versions[-1]
    await store.put([replace(versions[-1], content={"other": 1})])
    assert (await store.get(["prod_1"]))["prod_1"] == versions[-1]


async def test_products_are_found_by_all_that_is_asked_for_page_by_page(store):
    await store.put(
        [document_of(f"prod_{number}", 1, {"odd": number % 2 == 1, "a": {"b": ["X", number]}}) for number in range(6)]
    )
    odd, named = fact("odd", "TRUE"), fact("a.b", "x")
    assert await store.find([odd, named], after="", most=2) == ["prod_1", "prod_3"]
    assert await store.find([odd, named], after="prod_3", most=2) == ["prod_5"]
    assert await store.find([odd, fact("a.b", "4")], after="", most=2) == []
    assert await store.find([fact("a.b", "4")], after="", most=2) == ["prod_4"]
    await store.put([document_of("prod_4", 2, {"a": {"b": []}})])
    assert await store.find([fact("a.b", "4")], after="", most=2) == []


async def test_questions_are_no_commands(store):
    await store.put([document_of("prod_1", 1, {"a": "b"})])
    for text in ('{"$gt": ""}', "a=b' OR '1'='1", "$where", "*", ""):
        assert await store.find([fact("a", text)], after="", most=2) == []


async def test_facts_that_an_older_version_derived_are_derived_anew(store, monkeypatch):
    document = document_of("prod_1", 3, CONTENT)
    await store.put([document, document_of("prod_2", 1, {})])
    assert await store.outdated(9) == []
    monkeypatch.setattr(domain, "SCHEMA", domain.SCHEMA + 1)
    for module in ("jsonb", "mongo"):
        monkeypatch.setattr(f"subgraphs.products.storage.documents.{module}.SCHEMA", domain.SCHEMA)
    outdated = await store.outdated(9)
    assert {each.product_id for each in outdated} == {"prod_1", "prod_2"}
    await store.put([domain.derived_anew(each) for each in outdated])
    assert await store.outdated(9) == []
    found = (await store.get(["prod_1"]))["prod_1"]
    assert (found.version, found.content, found.schema) == (3, CONTENT, domain.SCHEMA)
    await store.put([document])
    assert (await store.get(["prod_1"]))["prod_1"].schema == domain.SCHEMA


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_a_server_that_does_not_answer_is_told(driver, monkeypatch):
    monkeypatch.setattr("subgraphs.products.storage.documents.mongo._MILLISECONDS", 50)
    store = MongoDocuments(connect("mongodb://127.0.0.1:9/", driver))
    with pytest.raises(InfrastructureError):
        await store.get(["prod_1"])
    await store.close()
