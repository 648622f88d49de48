"""Pictures of products: announced, handed in, looked at, made smaller, arranged; and all that is refused."""

import asyncio
import struct
import zlib
from datetime import timedelta
from io import BytesIO

import httpx
import pytest
from PIL import Image
from sqlalchemy import update
from starlette.applications import Starlette

from kernel.identity import ANONYMOUS, Caller
from subgraphs.products.domain.files import MAX_BYTES
from subgraphs.products.service import files
from subgraphs.products.storage.tables import assets
from tests.s3_server import BUCKET, s3_server

VENDOR = Caller(id="usr_vendor", kind="vendor")
CUSTOMER = Caller(id="usr_1", kind="customer")
OTHER = Caller(id="usr_other", kind="vendor")

ANNOUNCE = """mutation ($input: UploadCreateInput!) {
  uploadCreate(input: $input) {
    ticket { id url method headers { name value } expiresAt } errors { __typename code path }
  }
}"""
COMPLETE = """mutation ($id: ID!) {
  uploadComplete(id: $id) { upload { state mediaType width height size } errors { __typename code path } }
}"""
ADD = """mutation ($product: ID!, $upload: ID!, $input: PictureInput!, $version: Int) {
  productMediaAdd(productId: $product, uploadId: $upload, input: $input, expectedVersion: $version) {
    product { version media { id alt german: alt(language: "de-AT") width height widths mediaType } }
    errors { __typename code path }
  }
}"""
MEDIA = '{ product(id: "prod_00") { version media { id alt widths url small: url(width: 300) } } }'


@pytest.fixture(scope="module")
def s3_endpoint(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3") / "log") as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def kind(request, tmp_path, monkeypatch):
    """Where the bytes are: in a folder, unless a test asks for a bucket."""
    monkeypatch.setenv("STOREGRAPH_DATA_DIR", str(tmp_path))
    kind = getattr(request, "param", "folder")
    if kind == "s3":
        own = {"BUCKET": BUCKET, "ENDPOINT": request.getfixturevalue("s3_endpoint"), "REGION": "us-east-1"}
        for name, value in {**own, "KEY_ID": "key", "SECRET": "secret"}.items():
            monkeypatch.setenv(f"STOREGRAPH_PRODUCTS_MEDIA_{name}", value)
    return kind


@pytest.fixture
async def client(catalogue, kind):
    app = httpx.ASGITransport(Starlette(routes=catalogue.routes)) if kind == "folder" else None
    async with httpx.AsyncClient(transport=app, base_url="http://shop.test") as client:
        yield client


@pytest.fixture
def hand_in(run, client):
    """Announce bytes and put them where the ticket says; give the id."""

    async def put(data, media_type="image/png", caller=VENDOR):
        given = {"fileName": "boot.png", "mediaType": media_type, "size": len(data)}
        payload = (await run(ANNOUNCE, caller, input=given))["uploadCreate"]
        assert payload["errors"] == []
        ticket = payload["ticket"]
        headers = {each["name"]: each["value"] for each in ticket["headers"]}
        answer = await client.request(ticket["method"], ticket["url"], content=data, headers=headers)
        assert answer.is_success
        return ticket["id"]

    return put


@pytest.fixture
def completed(run):
    async def complete(upload, caller=VENDOR):
        return (await run(COMPLETE, caller, id=upload))["uploadComplete"]

    return complete


@pytest.fixture
def render(catalogue):
    """Let the worker make all pictures smaller that wait for it."""
    (job,) = (each for each in catalogue.jobs if each.name == "products.renditions")

    async def run_job():
        while await job.run():
            pass

    return run_job


def picture(width=800, height=600, form="PNG", **options):
    written = BytesIO()
    Image.new("RGB", (width, height), "teal").save(written, form, **options)
    return written.getvalue()


def bomb(width, height):
    """A PNG of a few bytes whose head promises this many pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["folder", "s3"], indirect=True)
async def test_a_picture_is_handed_in_shown_and_made_smaller(run, filled, hand_in, render, client, events):
    await filled(1)
    upload = await hand_in(picture(1000, 500))
    labels = {"alt": "A boot", "alts": [{"language": "de", "text": "Ein Stiefel"}]}
    added = (await run(ADD, product="prod_00", upload=upload, input=labels, version=1))["productMediaAdd"]
    assert added["errors"] == []
    assert added["product"] == {
        "version": 2,
        "media": [
            {
                "id": upload,
                "alt": "A boot",
                "german": "Ein Stiefel",
                "width": 1000,
                "height": 500,
                "widths": [],
                "mediaType": "image/png",
            }
        ],
    }
    await render()
    product = (await run(MEDIA, ANONYMOUS))["product"]
    (media,) = product["media"]
    assert (media["widths"], product["version"]) == ([320, 640], 3)
    small = await client.get(media["small"])
    assert small.headers["content-type"] == "image/webp"
    assert Image.open(BytesIO(small.content)).size == (320, 160)
    assert (await client.get(media["url"])).content == picture(1000, 500)
    assert len(await events("ProductUpdated")) == 2


async def test_pictures_are_turned_upright_and_tell_nothing_beside(
    hand_in, completed, render, catalogue, filled, client, run
):
    await filled(1)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "where I live"
    upload = await hand_in(picture(800, 400, "JPEG", exif=exif), "image/jpeg")
    assert (await completed(upload))["upload"]["width"] == 400
    await run(ADD, product="prod_00", upload=upload, input={})
    await render()
    (media,) = (await run(MEDIA))["product"]["media"]
    small = Image.open(BytesIO((await client.get(media["small"])).content))
    assert small.size == (320, 640)
    assert not dict(small.getexif())


async def test_pictures_are_arranged_described_and_taken_away(run, filled, hand_in):
    await filled(1)
    ids = [await hand_in(picture(10 + each, 10)) for each in range(3)]
    for upload in ids:
        await run(ADD, product="prod_00", upload=upload, input={})
    arrange = """mutation ($ids: [ID!]!, $version: Int) {
      productMediaSet(productId: "prod_00", ids: $ids, expectedVersion: $version) {
        product { media { id } } errors { code path }
      }
    }"""
    arranged = (await run(arrange, ids=[ids[2], ids[0]]))["productMediaSet"]
    assert [each["id"] for each in arranged["product"]["media"]] == [ids[2], ids[0]]
    unknown = (await run(arrange, ids=[ids[1]]))["productMediaSet"]
    assert unknown["errors"] == [{"code": "NOT_FOUND", "path": ["ids"]}]
    twice = (await run(arrange, ids=[ids[2], ids[2]]))["productMediaSet"]
    assert twice["errors"] == [{"code": "INVALID_INPUT", "path": ["media"]}]
    stale = (await run(arrange, ids=[ids[0]], version=1))["productMediaSet"]
    assert stale["errors"][0]["code"] == "STALE_VERSION"
    describe = """mutation ($media: ID!, $input: PictureInput!) {
      productMediaDescribe(productId: "prod_00", mediaId: $media, input: $input) {
        product { media { alt } } errors { code path }
      }
    }"""
    said = (await run(describe, media=ids[0], input={"alt": "Sole"}))["productMediaDescribe"]
    assert [each["alt"] for each in said["product"]["media"]] == ["", "Sole"]
    wrong = {"alt": "x", "alts": [{"language": "german", "text": "x"}]}
    assert (await run(describe, media=ids[0], input=wrong))["productMediaDescribe"]["errors"][0][
        "code"
    ] == "INVALID_INPUT"


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>x()</script></svg>'
BILLION = b'<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><svg><text>&b;</text></svg>'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (SVG, "image/png"),
        (BILLION, "image/png"),
        (b"<html><script>x()</script></html>", "image/png"),
        (b"MZ\x90\x00 a program", "image/jpeg"),
        (picture(form="JPEG"), "image/png"),
        (b"\x89PNG\r\n\x1a\n and then nothing of a picture", "image/png"),
        (bomb(50_000, 50_000), "image/png"),
        (bomb(9_000, 9_000), "image/png"),
        (b"GIF89a", "image/gif"),
    ],
    ids=["svg", "svg-bomb", "html", "program", "other-type", "broken", "too-wide", "too-many-pixels", "cut-off"],
)
async def test_what_is_no_such_picture_is_refused_and_forgotten(hand_in, completed, data, said):
    upload = await hand_in(data, said)
    refused = await completed(upload)
    assert refused == {
        "upload": None,
        "errors": [{"__typename": "InvalidInputError", "code": "INVALID_INPUT", "path": ["file"]}],
    }
    assert (await completed(upload))["errors"][0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"mediaType": "image/svg+xml"}, "mediaType"),
        ({"mediaType": "text/html"}, "mediaType"),
        ({"size": 0}, "size"),
        ({"size": -1}, "size"),
        ({"size": MAX_BYTES + 1}, "size"),
        ({"fileName": " "}, "fileName"),
    ],
)
async def test_an_upload_that_cannot_be_is_refused_before_it_begins(run, given, path):
    wanted = {"fileName": "a.png", "mediaType": "image/png", "size": 10} | given
    refused = (await run(ANNOUNCE, VENDOR, input=wanted))["uploadCreate"]
    assert (refused["ticket"], refused["errors"][0]["path"]) == (None, [path])


async def test_more_than_was_announced_is_refused_by_its_size(hand_in, completed, catalogue, run):
    upload = await hand_in(b"x" * 1_999_999)
    assert (await completed(upload))["errors"][0]["path"] == ["file"]


async def test_what_only_decoding_shows_to_be_broken_is_not_shown(run, filled, hand_in, render):
    await filled(1)
    whole = picture(900, 900, "JPEG")
    upload = await hand_in(whole[: len(whole) // 2], "image/jpeg")
    assert (await run(ADD, product="prod_00", upload=upload, input={}))["productMediaAdd"]["errors"] == []
    await render()
    assert (await run(MEDIA))["product"]["media"] == []
    again = (await run(ADD, product="prod_00", upload=upload, input={}))["productMediaAdd"]
    assert again["errors"][0]["path"] == ["uploadId"]


async def test_nobody_takes_the_uploads_or_products_of_others(run, refused, filled, hand_in, completed):
    await filled(2)
    given = {"fileName": "a", "mediaType": "image/png", "size": 9}
    assert await refused(ANNOUNCE, ANONYMOUS, input=given) == "UNAUTHENTICATED"
    assert await refused(ANNOUNCE, CUSTOMER, input=given) == "FORBIDDEN"
    upload = await hand_in(picture())
    assert (await completed("file_" + "0" * 32))["errors"][0]["code"] == "NOT_FOUND"
    assert (await completed(upload, OTHER))["errors"][0]["code"] == "FORBIDDEN"
    other = (await run(ADD, VENDOR, product="prod_00", upload=upload, input={}))["productMediaAdd"]
    assert other["errors"][0]["code"] == "FORBIDDEN"
    await run(ADD, product="prod_00", upload=upload, input={})
    stolen = (await run(ADD, product="prod_01", upload=upload, input={}))["productMediaAdd"]
    assert stolen["errors"] == [{"__typename": "ConflictError", "code": "CONFLICT", "path": ["uploadId"]}]


async def test_nothing_is_taken_over_before_it_was_handed_in(run, completed):
    wanted = {"fileName": "a.pdf", "mediaType": "application/pdf", "size": 10}
    ticket = (await run(ANNOUNCE, VENDOR, input=wanted))["uploadCreate"]["ticket"]
    assert (await completed(ticket["id"]))["errors"][0]["code"] == "NOT_FOUND"


async def test_uploads_that_nobody_claims_are_forgotten(service, catalogue, hand_in, completed, clock, database):
    kept, left = await hand_in(picture()), await hand_in(picture())
    await completed(kept)
    async with database.transaction() as session:
        await session.execute(update(assets).values(created_at=clock.now() - timedelta(days=2)))
    assert await files.forget_unclaimed(service) == 1
    assert (await completed(left))["errors"][0]["code"] == "NOT_FOUND"
    assert (await completed(kept))["errors"] == []


async def test_what_is_taken_over_by_several_at_once_is_taken_over_once(hand_in, completed):
    upload = await hand_in(picture())
    answers = await asyncio.gather(*(completed(upload) for _ in range(5)))
    assert [answer["errors"] for answer in answers] == [[]] * 5


async def test_a_picture_that_is_made_smaller_twice_at_once_is_the_same(run, filled, hand_in, service):
    await filled(1)
    upload = await hand_in(picture())
    await run(ADD, product="prod_00", upload=upload, input={})
    await asyncio.gather(*(files.render_next(service) for _ in range(3)))
    product = (await run(MEDIA))["product"]
    assert (product["media"][0]["widths"], product["version"]) == ([320, 640], 3)


async def test_a_file_is_the_value_of_an_attribute_once_it_was_taken_over(run, hand_in, completed, client):
    kind = """mutation { productTypeCreate(input: {
      name: "Lamp", attributes: [{code: "manual", label: "Manual", kind: FILE}]}) { productType { id } } }"""
    create = """mutation ($input: ProductCreateInput!) { productCreate(input: $input) {
      product { attributes { values urls } } errors { code path } } }"""
    lamp = (await run(kind))["productTypeCreate"]["productType"]["id"]
    upload = await hand_in(b"%PDF-1.7 how it is switched on", "application/pdf")
    given = {"name": "Lamp", "productTypeId": lamp, "attributes": [{"code": "manual", "values": [upload]}]}
    early = (await run(create, input=given))["productCreate"]
    assert early["errors"] == [{"code": "NOT_FOUND", "path": ["attributes"]}]
    assert (await completed(upload))["upload"]["state"] == "READY"
    (manual,) = (await run(create, input=given))["productCreate"]["product"]["attributes"]
    assert manual["values"] == [upload]
    shown = await client.get(manual["urls"][0])
    assert shown.content.startswith(b"%PDF-1.7")
    assert shown.headers["content-disposition"] == "attachment"
