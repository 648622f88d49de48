"""One contract for the bytes of pictures: a folder with signed addresses, and S3's protocol."""

import asyncio
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from subgraphs.products.api.media_routes import media_routes
from subgraphs.products.domain.files import incoming_key, original_key
from subgraphs.products.storage.media.local import LocalMedia
from subgraphs.products.storage.media.s3 import S3Media
from tests.s3_server import BUCKET, s3_server

HERE = "http://shop.test"
FILE = "file_" + "0" * 32
INCOMING, ORIGINAL = incoming_key(FILE), original_key(FILE)


@pytest.fixture(scope="module")
def s3_endpoint(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3") / "log") as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", "s3"])
def kind(request):
    return request.param


@pytest.fixture
def store(kind, request, tmp_path):
    if kind == "s3":
        endpoint = request.getfixturevalue("s3_endpoint")
        return S3Media(BUCKET, endpoint=endpoint, region="us-east-1", key_id="key", secret="secret")
    return LocalMedia(tmp_path, b"secret", base=f"{HERE}/media")


@pytest.fixture
async def client(kind, store):
    """A client that has nothing but addresses."""
    app = httpx.ASGITransport(Starlette(routes=media_routes(store))) if kind == "folder" else None
    async with httpx.AsyncClient(transport=app) as client:
        yield client


async def test_bytes_are_handed_in_and_fetched_by_signed_addresses(store, client):
    assert await store.size(INCOMING) is None
    put = await client.put(store.upload_url(INCOMING, 60), content=b"bytes", headers={"content-type": "image/png"})
    assert put.is_success
    assert await store.size(INCOMING) == 5
    assert await store.read(INCOMING) == b"bytes"
    await store.write(ORIGINAL, b"kept", "image/png")
    got = await client.get(store.download_url(ORIGINAL, 60))
    assert (got.status_code, got.content) == (200, b"kept")


async def test_what_is_written_again_is_in_the_place_of_what_was(store):
    await asyncio.gather(*(store.write(ORIGINAL, bytes([each]) * 1000, "image/png") for each in range(8)))
    read = await store.read(ORIGINAL)
    assert len(set(read)) == 1
    assert len(read) == 1000


async def test_large_things_are_copied_and_read_in_parts(store, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(b"0123456789" * 1000)
    await store.write_file(INCOMING, path, "text/csv")
    assert await store.copy(INCOMING, ORIGINAL)
    assert await store.part(ORIGINAL, 9_995, 3) == b"567"
    assert await store.part(ORIGINAL, 9_995, 100) == b"56789"
    assert await store.part(ORIGINAL, 10_000, 100) == b""
    await store.remove(INCOMING)
    assert await store.part(INCOMING, 0, 1) is None
    assert not await store.copy(INCOMING, ORIGINAL)
    assert await store.size(ORIGINAL) == 10_000


async def test_what_is_removed_is_gone_and_removing_nothing_is_as_good(store, client):
    await store.write(ORIGINAL, b"kept", "image/png")
    for _ in range(2):
        await store.remove(ORIGINAL)
    assert await store.read(ORIGINAL) is None
    assert await store.size(ORIGINAL) is None
    assert (await client.get(store.download_url(ORIGINAL, 60))).status_code == 404


async def test_addresses_are_signed_each_for_its_own_key_and_method(store):
    addresses = {
        store.upload_url(INCOMING, 60),
        store.download_url(INCOMING, 60),
        store.download_url(ORIGINAL, 60),
    }
    signatures = {dict(_query(each)).popitem()[1] for each in addresses}
    assert len(signatures) == 3


def _query(address):
    return sorted(parse_qsl(urlsplit(address).query), key=lambda pair: "signature" in pair[0].lower())


@pytest.mark.parametrize("kind", ["folder"], indirect=True)
async def test_the_folder_refuses_what_was_not_signed_for_this(store, client):
    await store.write(ORIGINAL, b"kept", "image/png")
    address = store.download_url(ORIGINAL, 60)
    base, query = address.split("?")
    expires = dict(parse_qsl(query))
    longer = urlencode({**expires, "expires": int(expires["expires"]) + 1})
    over = store.download_url(ORIGINAL, -100_000)
    other = store.download_url(INCOMING, 60).split("?")[1]
    for wrong in (base, f"{base}?{longer}", over, f"{base}?{other}"):
        assert (await client.get(wrong)).status_code == 403
    assert (await client.put(address, content=b"mine")).status_code == 403
    assert (await client.put(store.upload_url(ORIGINAL, 60), content=b"mine")).status_code == 403
    big = await client.put(store.upload_url(INCOMING, 60), content=bytes(store.largest + 1))
    assert big.status_code == 413
    assert await store.read(ORIGINAL) == b"kept"
    assert await store.read("incoming/../../secret") is None
    assert (await client.get(address)).headers["x-content-type-options"] == "nosniff"
