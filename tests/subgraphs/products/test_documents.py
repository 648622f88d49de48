"""Documents of products: any shape within bounds, versions, and stores that agree wherever a worker dies."""

import asyncio
import random

import pytest

from kernel.identity import ANONYMOUS, Caller
from kernel.settings import Settings
from subgraphs.products.app import make_service
from subgraphs.products.domain.documents import MAX_BYTES, MAX_DEPTH, MAX_FACTS
from subgraphs.products.service import documents
from subgraphs.products.storage.documents import pending
from subgraphs.products.storage.documents.mongo import MongoDocuments, connect
from tests.mongo_server import mongo_server

ADMIN = Caller(id="usr_admin", kind="admin")
VENDOR = Caller(id="usr_vendor", kind="vendor")
SET = """mutation ($id: ID!, $content: JSON!, $version: Int) {
  productDocumentSet(id: $id, content: $content, expectedVersion: $version) {
    product { document { version content } } errors { __typename code path }
  }
}"""
FIND = """query ($facts: [DocumentFactInput!]!, $first: Int, $after: String) {
  productsByDocument(facts: $facts, first: $first, after: $after) {
    nodes { id document { content } } pageInfo { hasNextPage endCursor }
  }
}"""


@pytest.fixture(scope="module")
def mongo_url(tmp_path_factory):
    with mongo_server(tmp_path_factory.mktemp("mongo") / "log") as url:
        yield url


@pytest.fixture(params=["jsonb", "mongo"])
async def kept(request, service):
    """The use cases over either store."""
    if request.param == "mongo":
        client = connect(request.getfixturevalue("mongo_url"), "pymongo")
        name = f"test_{random.randrange(2**40)}"
        service.documents = MongoDocuments(client, name)
        yield service
        await client.drop_database(name)
        await service.documents.close()
    else:
        yield service


async def test_the_settings_say_where_documents_are(parts, filled, mongo_url, monkeypatch):
    await filled(1)
    for driver in ("pymongo", "motor"):
        monkeypatch.setenv("STOREGRAPH_PRODUCTS_DOCUMENTS_URL", mongo_url)
        monkeypatch.setenv("STOREGRAPH_PRODUCTS_DOCUMENTS_DRIVER", driver)
        service = make_service(Settings.load(), parts)
        await documents.write(service, ADMIN, "prod_00", {"by": driver})
        assert await documents.deliver(service) == 1
        assert (await service.documents.get(["prod_00"]))["prod_00"].content == {"by": driver}
        await service.documents.close()


@pytest.fixture
def set_document(run):
    async def write(product, content, version=None, caller=ADMIN):
        return (await run(SET, caller, id=product, content=content, version=version))["productDocumentSet"]

    return write


async def test_a_document_is_written_read_at_once_and_found_when_it_has_arrived(
    set_document, run, service, filled, events
):
    await filled(4)
    written = await set_document("prod_00", {"material": {"upper": "Leather"}})
    assert written == {
        "product": {"document": {"version": 1, "content": {"material": {"upper": "Leather"}}}},
        "errors": [],
    }
    for number in (1, 2):
        await set_document(f"prod_0{number}", {"material": {"upper": ["leather", "wool"]}})
    assert len(await events("ProductUpdated")) == 3
    wanted = [{"path": "material.upper", "value": "LEATHER"}]
    while await documents.deliver(service):
        pass
    first = (await run(FIND, ANONYMOUS, facts=wanted, first=2))["productsByDocument"]
    assert [each["id"] for each in first["nodes"]] == ["prod_00", "prod_01"]
    rest = (await run(FIND, ANONYMOUS, facts=wanted, first=2, after=first["pageInfo"]["endCursor"]))[
        "productsByDocument"
    ]
    assert [each["id"] for each in rest["nodes"]] == ["prod_02"]
    assert not rest["pageInfo"]["hasNextPage"]
    await run('mutation { productUpdate(id: "prod_01", input: {published: false}) { errors { code } } }')
    seen = (await run(FIND, ANONYMOUS, facts=wanted, first=2))["productsByDocument"]
    assert [each["id"] for each in seen["nodes"]] == ["prod_00", "prod_02"]


def deep(levels):
    content = {"end": 1}
    for _ in range(levels):
        content = {"in": content}
    return content


@pytest.mark.parametrize(
    "content",
    [
        [],
        "text",
        {"$where": "1"},
        {"a.b": 1},
        {"": 1},
        {"k" * 101: 1},
        {"a": "x" * MAX_BYTES},
        {"a": "\x00"},
        {"a": 2**63},
        deep(MAX_DEPTH),
        deep(500),
        {"many": list(range(MAX_FACTS + 1))},
    ],
    ids=["list", "text", "command", "dot", "no-key", "long-key", "large", "nul", "number", "deep", "deeper", "many"],
)
async def test_what_no_store_takes_is_refused(set_document, filled, content):
    await filled(1)
    refused = await set_document("prod_00", content)
    assert refused["errors"] == [{"__typename": "InvalidInputError", "code": "INVALID_INPUT", "path": ["content"]}]


async def test_of_two_who_write_on_one_version_one_is_told(set_document, filled, run, refused):
    await filled(1)
    answers = await asyncio.gather(*(set_document("prod_00", {"by": who}, version=0) for who in range(4)))
    codes = sorted(error["code"] for answer in answers for error in answer["errors"])
    assert codes == ["STALE_VERSION"] * 3
    assert (await set_document("prod_99", {}))["errors"][0]["code"] == "NOT_FOUND"
    assert (await set_document("prod_00", {}, caller=VENDOR))["errors"][0]["code"] == "FORBIDDEN"
    assert await refused(SET, ANONYMOUS, id="prod_00", content={}) == "UNAUTHENTICATED"


class CrashError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("point", ["before the store", "in the store", "after the store", "before it is forgotten"])
async def test_wherever_a_worker_dies_the_stores_agree_and_nothing_is_lost(kept, filled, point, monkeypatch):
    await filled(3)
    for number in range(3):
        await documents.write(kept, ADMIN, f"prod_0{number}", {"version": 1})
    while await documents.deliver(kept):
        pass
    await documents.write(kept, ADMIN, "prod_00", {"version": 2})
    await documents.write(kept, ADMIN, "prod_01", {"version": 2})
    put = kept.documents.put

    async def dying(given):
        if point == "in the store":
            await put(given[:1])
        if point == "after the store":
            await put(given)
        raise CrashError

    async def forgetting(*_arguments):
        raise CrashError

    with monkeypatch.context() as patched:
        if point == "before it is forgotten":
            patched.setattr(pending, "forget", forgetting)
        else:
            patched.setattr(kept.documents, "put", dying)
        with pytest.raises(CrashError):
            await documents.deliver(kept)
    ids = ["prod_00", "prod_01", "prod_02"]
    assert {each: found.content["version"] for each, found in (await documents.read(kept, ids)).items()} == {
        "prod_00": 2, "prod_01": 2, "prod_02": 1,
    }  # fmt: skip
    assert await documents.disagreements(kept) == []
    assert await documents.deliver(kept) == 2
    assert await documents.deliver(kept) == 0
    assert {each: found.version for each, found in (await kept.documents.get(ids)).items()} == {
        "prod_00": 2, "prod_01": 2, "prod_02": 1,
    }  # fmt: skip
    assert await documents.disagreements(kept) == []


async def test_writers_and_workers_at_once_end_in_the_newest(kept, filled):
    await filled(4)

    async def writer(who):
        for turn in range(6):
            await documents.write(kept, ADMIN, f"prod_0{(who + turn) % 4}", {"who": who, "turn": turn})

    async def worker():
        for _ in range(12):
            await documents.deliver(kept)

    await asyncio.gather(*map(writer, range(4)), *(worker() for _ in range(3)))
    while await documents.deliver(kept):
        pass
    assert await documents.disagreements(kept) == []
    stored = await kept.documents.get([f"prod_0{number}" for number in range(4)])
    assert {each.version for each in stored.values()} == {6}


async def test_a_store_that_lost_something_is_found_out(kept, filled, database):
    await filled(2)
    await documents.write(kept, ADMIN, "prod_00", {"a": 1})
    async with database.transaction() as session:
        await pending.forget(session, await pending.some(session, 9))
    assert await documents.disagreements(kept) == ["prod_00"]
