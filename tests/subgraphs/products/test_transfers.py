"""Imports and exports in bulk: progress, bad rows, repetition, crashes, several workers at once, vendors."""

import asyncio
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from kernel.identity import ANONYMOUS, Caller
from subgraphs.products.service import transfers
from subgraphs.products.storage import transfers as storage

ADMIN = Caller(id="usr_admin", kind="admin")
VENDOR = Caller(id="usr_vendor", kind="vendor")
OTHER = Caller(id="usr_other", kind="vendor")
SHARED = Path(__file__).parents[4] / "shared/data/catalogue.csv"

ANNOUNCE = "mutation ($input: UploadCreateInput!) { uploadCreate(input: $input) { ticket { id url } errors { code } } }"
TRANSFER = """
id state progress created updated unchanged refused exported reason url
remarks(first: 50) { nodes { line handle reason } }
"""
IMPORT = f"""mutation ($input: ProductsImportInput!) {{
  productsImport(input: $input) {{ transfer {{ {TRANSFER} }} errors {{ code path }} }}
}}"""
EXPORT = f"""mutation ($input: ProductsExportInput!) {{
  productsExport(input: $input) {{ transfer {{ {TRANSFER} }} errors {{ code path }} }}
}}"""
LOOK = f"query ($id: ID!) {{ productTransfer(id: $id) {{ {TRANSFER} }} }}"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STOREGRAPH_DATA_DIR", str(tmp_path))


@pytest.fixture
async def client(catalogue):
    app = httpx.ASGITransport(Starlette(routes=catalogue.routes))
    async with httpx.AsyncClient(transport=app, base_url="http://shop.test") as client:
        yield client


@pytest.fixture
def hand_in(run, client):
    async def put(data, media_type="application/x-ndjson", caller=ADMIN):
        given = {"fileName": "products", "mediaType": media_type, "size": len(data)}
        ticket = (await run(ANNOUNCE, caller, input=given))["uploadCreate"]["ticket"]
        assert (await client.put(ticket["url"], content=data)).status_code == 204
        return ticket["id"]

    return put


@pytest.fixture
def work(catalogue):
    """Let the worker do all that there is to do."""
    jobs = [job for job in catalogue.jobs if job.name in ("products.imports", "products.exports")]

    async def drain():
        while any([await job.run() for job in jobs]):
            pass

    return drain


@pytest.fixture
def bring(run, hand_in, work):
    """Import a file and give what became of it."""

    async def import_file(data, file_format="JSON_LINES", caller=ADMIN):
        media_type = "text/csv" if file_format == "SHOPIFY_CSV" else "application/x-ndjson"
        upload = await hand_in(data, media_type, caller)
        payload = (await run(IMPORT, caller, input={"uploadId": upload, "format": file_format}))["productsImport"]
        assert payload["errors"] == []
        assert payload["transfer"]["state"] == "RUNNING"
        await work()
        return (await run(LOOK, caller, id=payload["transfer"]["id"]))["productTransfer"]

    return import_file


@pytest.fixture
def fetch(run, work, client):
    """Export products and give the bytes."""

    async def export(file_format="JSON_LINES", caller=ADMIN):
        begun = (await run(EXPORT, caller, input={"format": file_format}))["productsExport"]["transfer"]
        assert begun["url"] is None
        await work()
        done = (await run(LOOK, caller, id=begun["id"]))["productTransfer"]
        assert (done["state"], done["progress"]) == ("DONE", 1.0)
        return done["exported"], (await client.get(done["url"])).content

    return export


def line(slug, price="10.00", **more):
    fields = {"slug": slug, "name": slug, "type": "Shoe", "variants": [{"sku": slug, "prices": {"EUR": price}}]} | more
    return httpx.Response(200, json=fields).content


def lines(count, **more):
    return b"\n".join(line(f"item-{number:04}", **more) for number in range(count))


def counts(transfer):
    return {name: transfer[name] for name in ("created", "updated", "unchanged", "refused")}


async def test_a_file_is_brought_in_and_again_nothing_changes(bring, run, events):
    data = lines(120)
    first = await bring(data)
    assert (first["state"], first["progress"]) == ("DONE", 1.0)
    assert counts(first) == {"created": 120, "updated": 0, "unchanged": 0, "refused": 0}
    again = await bring(data)
    assert counts(again) == {"created": 0, "updated": 0, "unchanged": 120, "refused": 0}
    dearer = await bring(lines(120, price="11.00"))
    assert counts(dearer)["updated"] == 120
    assert len(await events("ProductCreated")) == 120
    assert (await run("{ products { totalCount } }", ANONYMOUS))["products"]["totalCount"] == 120


async def test_each_bad_row_is_told_and_the_rest_comes(bring, run, filled):
    await filled(3)
    shoe = {"type": "Shoe"}
    data = b"\n".join(
        [
            line("good", **shoe),
            line("negative", price="-1.00"),
            line("precise", price="1.005"),
            line("sole-of-air", **shoe, attributes={"sole": ["air"]}),
            line("unknown-attribute", **shoe, attributes={"colour": ["red"]}),
            line("taken-sku", variants=[{"sku": "P00-S"}]),
            line("no-variant", variants=[]),
            line("long-text", description="x" * 1_000_000),
            line("heavy", variants=[{"sku": "heavy", "weightGrams": 99_999_999}]),
            b"{not json",
            line("scripted", description="<p>ok<script>x()</script></p>"),
            line("bad-category", category=["x" * 300]),
            line("nul", category=["\x00"]),
        ]
    )
    done = await bring(data)
    assert done["state"] == "DONE"
    assert counts(done) == {"created": 2, "updated": 0, "unchanged": 0, "refused": 11}
    told = {(each["line"], each["handle"]): each["reason"] for each in done["remarks"]["nodes"]}
    assert len(told) == 11
    assert "negative" in told[2, "negative"]
    assert told[6, "taken-sku"] == "sku: Another variant has this SKU."
    assert "longer than 100000" in told[8, "long-text"]
    assert told[10, ""].startswith("The line is no product")
    scripted = await run('{ product(slug: "scripted") { description } }')
    assert scripted["product"]["description"] == "<p>ok</p>"
    assert (await run('{ product(slug: "taken-sku") { id } }'))["product"] is None


async def test_a_product_on_two_lines_is_made_by_one_and_changed_by_the_other(bring, run):
    done = await bring(b"\n".join([line("a"), line("b"), line("c"), line("b", name="second"), line("d")]))
    assert counts(done) == {"created": 4, "updated": 1, "unchanged": 0, "refused": 0}
    assert (await run('{ product(slug: "b") { name } }'))["product"]["name"] == "second"


async def test_what_a_file_does_not_speak_of_stays(bring, run):
    await bring(line("boot", translations={"de": {"name": "Stiefel"}}, seo={"title": "Buy"}))
    await bring(line("boot", name="Boots"))
    query = '{ product(slug: "boot") { name german: name(language: "de") seo { title } } }'
    assert (await run(query))["product"] == {"name": "Boots", "german": "Stiefel", "seo": {"title": "Buy"}}


@pytest.mark.skipif(not SHARED.exists(), reason="the shared catalogue is not here")
async def test_a_real_catalogue_makes_the_round_trip_in_both_formats(bring, fetch):
    first = await bring(SHARED.read_bytes(), "SHOPIFY_CSV")
    assert first["state"] == "DONE"
    assert first["created"] > 10
    for file_format in ("SHOPIFY_CSV", "JSON_LINES"):
        count, data = await fetch(file_format)
        assert count == first["created"]
        again = await bring(data, file_format)
        assert counts(again) == {"created": 0, "updated": 0, "unchanged": count, "refused": 0}


async def test_a_worker_that_dies_leaves_its_portion_to_the_next(service, run, hand_in, work, monkeypatch, database):
    upload = await hand_in(lines(120))
    begun = (await run(IMPORT, input={"uploadId": upload, "format": "JSON_LINES"}))["productsImport"]["transfer"]
    assert await transfers.advance_imports(service) == 1

    async def die(*_args):
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(storage, "save", die)
        with pytest.raises(asyncio.CancelledError):
            await transfers.advance_imports(service)
    halfway = (await run(LOOK, id=begun["id"]))["productTransfer"]
    assert (halfway["created"], halfway["state"]) == (100, "RUNNING")
    assert 0.8 < halfway["progress"] < 0.9
    assert (await run("{ products { totalCount } }"))["products"]["totalCount"] == 100
    await work()
    assert counts((await run(LOOK, id=begun["id"]))["productTransfer"])["created"] == 120


async def test_several_workers_do_it_once(service, run, hand_in, events):
    upload = await hand_in(lines(120))
    payloads = await asyncio.gather(
        *(run(IMPORT, input={"uploadId": upload, "format": "JSON_LINES"}) for _ in range(3))
    )
    (begun,) = {payload["productsImport"]["transfer"]["id"] for payload in payloads}

    async def worker():
        while await transfers.advance_imports(service):
            pass

    await asyncio.gather(*(worker() for _ in range(4)))
    assert counts((await run(LOOK, id=begun))["productTransfer"])["created"] == 120
    assert len(await events("ProductCreated")) == 120


async def test_a_portion_that_nothing_helps_ends_the_import(service, run, hand_in, monkeypatch):
    upload = await hand_in(lines(3))
    begun = (await run(IMPORT, input={"uploadId": upload, "format": "JSON_LINES"}))["productsImport"]["transfer"]

    async def fail(*_args):
        raise RuntimeError("broken")

    monkeypatch.setattr(storage, "remark", fail)
    for _ in range(4):
        with pytest.raises(RuntimeError):
            await transfers.advance_imports(service)
    assert await transfers.advance_imports(service) == 1
    over = (await run(LOOK, id=begun["id"]))["productTransfer"]
    assert (over["state"], over["reason"]) == ("FAILED", "From line 1 on nothing can be stored: RuntimeError.")
    assert await transfers.advance_imports(service) == 0


async def test_a_file_of_another_kind_fails_as_a_whole(bring, run, hand_in, refused):
    assert "lacks the columns" in (await bring(b"a,b\n1,2\n", "SHOPIFY_CSV"))["reason"]
    binary = await hand_in(b"\xff\xfe\x00\x01", "text/csv")
    answer = (await run(IMPORT, input={"uploadId": binary, "format": "SHOPIFY_CSV"}))["productsImport"]
    assert answer["errors"] == [{"code": "INVALID_INPUT", "path": ["file"]}]
    other = await hand_in(lines(1))
    answer = (await run(IMPORT, input={"uploadId": other, "format": "SHOPIFY_CSV"}))["productsImport"]
    assert answer["errors"] == [{"code": "INVALID_INPUT", "path": ["uploadId"]}]
    assert await refused(EXPORT, input={"format": "JSON_LINES", "currency": "XXX"}) == "INVALID_INPUT"


async def test_vendors_bring_and_fetch_their_own_products_alone(bring, fetch, run, refused):
    await bring(line("ours", category=["Shoes"]))
    done = await bring(
        b"\n".join([line("mine"), line("ours"), line("new-type", type="Hat"), line("new-shelf", category=["Hats"])]),
        caller=VENDOR,
    )
    reasons = {each["handle"]: each["reason"] for each in done["remarks"]["nodes"]}
    assert reasons == {
        "ours": "The product belongs to somebody else.",
        "new-type": "type: There is no such product type.",
        "new-shelf": "category: There is no such category.",
    }
    assert (await fetch(caller=VENDOR))[0] == 1
    assert (await fetch(caller=ADMIN))[0] == 2
    listed = "{ productTransfers { nodes { kind } } }"
    assert len((await run(listed, VENDOR))["productTransfers"]["nodes"]) == 2
    assert len((await run(listed, ADMIN))["productTransfers"]["nodes"]) == 4
    assert await refused(LOOK, OTHER, id=done["id"]) == "FORBIDDEN"
    assert await refused(listed, ANONYMOUS) == "UNAUTHENTICATED"


async def test_an_export_goes_on_when_its_worker_died(service, run, bring, client, monkeypatch, database):
    await bring(lines(3))
    begun = (await run(EXPORT, input={"format": "JSON_LINES"}))["productsExport"]["transfer"]

    async def die(*_args):
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(service.media, "write_file", die)
        with pytest.raises(asyncio.CancelledError):
            await transfers.run_exports(service)
    assert (await run(LOOK, id=begun["id"]))["productTransfer"]["url"] is None
    assert sum(await asyncio.gather(*(transfers.run_exports(service) for _ in range(3)))) == 1
    done = (await run(LOOK, id=begun["id"]))["productTransfer"]
    assert (done["state"], done["exported"]) == ("DONE", 3)
    async with database.session() as session:
        assert (await session.execute(text("SELECT count(*) FROM transfers WHERE state = 'RUNNING'"))).scalar() == 0
