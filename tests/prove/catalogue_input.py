"""What admins and others may send by mistake or malice, and what becomes of edits that are made at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import text

import subgraphs
from kernel.calls import InProcessCalls
from kernel.database import Database, plain_url
from kernel.identity import ANONYMOUS, Caller
from kernel.settings import Settings
from kernel.subgraph import Parts, Subgraph
from subgraphs.products.app import build
from subgraphs.products.storage import bulk
from subgraphs.products.storage.tables import METADATA
from tests.prove.claims import Prover
from tests.servers import PostgresForTests
from tests.subgraphs.products.conftest import ADMIN, CATEGORIES, JUICE, SHOE, product_rows

MIGRATIONS: Final = Path(subgraphs.__file__).parent / "products" / "migrations"
CUSTOMER: Final = Caller(id="usr_1", kind="customer")
VENDOR: Final = Caller(id="usr_vendor", kind="vendor")
_UPDATE: Final = """mutation ($id: ID! = "prod_00", $input: ProductUpdateInput!, $version: Int) {
    productUpdate(id: $id, input: $input, expectedVersion: $version) {
        product { version description } errors { code } } }"""
_CREATE: Final = """mutation ($input: ProductCreateInput!) {
    productCreate(input: $input) { product { id } errors { code } } }"""
_PRICE: Final = """mutation ($sku: String! = "P00-S", $price: MoneyInput!) {
    variantPriceSet(sku: $sku, price: $price) { errors { code } } }"""
_MOVE: Final = """mutation ($id: ID!, $parent: ID) { categoryMove(id: $id, parentId: $parent) { errors { code } } }"""
_UPLOAD: Final = "mutation ($input: UploadCreateInput!) { uploadCreate(input: $input) { errors { code } } }"
_SEARCH: Final = "query ($words: String!) { productSearch(query: $words) { nodes { id } } }"
_HOSTILE: Final = (
    """<p onclick="x()">Fine</p><script>alert(1)</script><img src=x onerror=x()><a href="javascript:x()">y</a>"""
)
_WORDS: Final = (
    "'; DROP TABLE products; --",
    "a & | ! :* ( <-> ''",
    '{"match_all": {}}',
    "* OR 1=1 [* TO *]",
    "\\\"' \x00" + "(" * 500,
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that is sent, and the code by which it must be refused."""

    what: str
    document: str
    variables: Mapping[str, Any]
    code: str = "INVALID_INPUT"
    caller: Caller = ADMIN


def _change(**fields: Any) -> dict[str, Any]:
    return {"input": fields}


def _price(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {"price": {"amount": amount, "currency": currency}}


def _upload(name: str, kind: str, size: int) -> dict[str, Any]:
    return {"input": {"fileName": name, "mediaType": kind, "size": size}}


def _attribute(code: str, value: str) -> dict[str, Any]:
    return _change(attributes=[{"code": code, "values": [value]}])


_ATTEMPTS: Final = (
    Attempt("an attribute value that is no choice", _UPDATE, _attribute("sole", "gold")),
    Attempt("an attribute that the type does not have", _UPDATE, _attribute("engine", "V8")),
    Attempt("a description of 1 MB", _UPDATE, _change(description="x" * 1_000_000)),
    Attempt("a name of 300 characters", _UPDATE, _change(name="x" * 300)),
    Attempt("a slug that is none", _UPDATE, _change(slug="../../etc/passwd")),
    Attempt("a language that there is not", _UPDATE, _change(translations=[{"language": "klingon", "name": "x"}])),
    Attempt("an edit of an old version", _UPDATE, {**_change(name="Late"), "version": 99}, "STALE_VERSION"),
    Attempt("a slug that is taken", _UPDATE, _change(slug="product-01"), "DUPLICATE_SLUG"),
    Attempt("a negative price", _PRICE, _price("-1")),
    Attempt("a price finer than its currency", _PRICE, _price("1.234")),
    Attempt("a category below itself", _MOVE, {"id": "cat_apparel", "parent": "cat_shoes"}),
    Attempt("a picture that is a program (SVG)", _UPLOAD, _upload("x.svg", "image/svg+xml", 100)),
    Attempt("a picture of 1 GB", _UPLOAD, _upload("x.png", "image/png", 10**9)),
    Attempt(
        "a product without rights", _CREATE, _change(name="Mine", productTypeId="ptype_shoe"), "FORBIDDEN", CUSTOMER
    ),
    Attempt(
        "a product of nobody", _CREATE, _change(name="Mine", productTypeId="ptype_shoe"), "UNAUTHENTICATED", ANONYMOUS
    ),
    Attempt("a product of another vendor", _UPDATE, _change(name="Mine"), "FORBIDDEN", VENDOR),
)


async def prove_input(prover: Prover, postgres: PostgresForTests) -> None:
    """Send all that must be refused, and compare all tables before and after; then what is made harmless."""
    async with _catalogue(postgres) as products:
        before = await _contents(products.database)
        for attempt in _ATTEMPTS:
            code = await _refused(products, attempt)
            after = await _contents(products.database)
            seen = f"{code}, {'nothing changed' if after == before else 'CHANGED'}"
            prover.check(
                attempt.what, seen, f"{attempt.code}, nothing changed", code == attempt.code and after == before
            )
        for words in _WORDS:
            answer = await products.executor.execute(_SEARCH, {"words": words}, caller=ANONYMOUS)
            harmless = not answer.errors or {each["extensions"]["code"] for each in answer.errors} == {"INVALID_INPUT"}
            seen = "answered" if harmless else answer.errors
            untouched = await _contents(products.database) == before
            what = f"searching for {words[:24]!a}"
            prover.check(what, seen, "answered, or refused by code", harmless and untouched)
        done = await _run(products, _UPDATE, **_change(description=_HOSTILE))
        clean = done["productUpdate"]["product"]["description"]
        wrong = [each for each in ("script", "onclick", "onerror", "javascript") if each in clean]
        prover.check("scripts in a description", clean, "none", not wrong)


async def prove_editing(prover: Prover, postgres: PostgresForTests) -> None:
    """Let admins edit one product at once, each on the version that they read; count what is there and was told."""
    each = 10 if prover.quick else 50
    async with _catalogue(postgres) as products:
        late = await asyncio.gather(*(_edit(products, f"<p>first{n}</p>", 1) for n in range(20)))
        prover.equal("of 20 edits of one version, those that count", late.count(None), 1)
        await asyncio.gather(*(_insist(products, f"{admin}x", each) for admin in ("a", "b", "c", "d")))
        shown = await _run(products, '{ product(id: "prod_00") { version description } }')
        words = Counter(shown["product"]["description"].replace("</p>", "").split("<p>"))
        missing = [f"{admin}x{n}" for admin in "abcd" for n in range(each) if words[f"{admin}x{n}"] != 1]
        prover.equal(f"of {4 * each} edits of four admins at once, those that are lost or doubled", missing, [])
        prover.equal("versions", shown["product"]["version"], 2 + 4 * each)
        await _run(products, _PRICE, price={"amount": "5", "currency": "EUR"})
        await _run(products, _MOVE, id="cat_shirts", parent=None)
        new = {"name": "New", "productTypeId": "ptype_juice", "variants": [{"sku": "NEW-1"}]}
        await _run(products, _CREATE, input=new)
        told = await _told(products.database)
        expected = {"ProductUpdated": 2 + 4 * each, "PriceChanged": 1, "CategoryChanged": 1, "ProductCreated": 1}
        prover.equal(
            "events of all this, a new price being a new version", {name: told[name] for name in expected}, expected
        )


@asynccontextmanager
async def _catalogue(postgres: PostgresForTests) -> AsyncIterator[Subgraph]:
    """Run the subgraph on twelve products."""
    url = await postgres.database({"products": MIGRATIONS})
    products, variants, prices = product_rows(12)
    connection = await asyncpg.connect(plain_url(url))
    await bulk.copy(
        connection,
        categories=CATEGORIES,
        product_types=[SHOE, JUICE],
        products=products,
        variants=variants,
        prices=prices,
    )
    await connection.close()
    parts = Parts(database=Database(url, schema="products"), calls=InProcessCalls("products", {}))
    subgraph = build(Settings.load(database_url=url), parts)
    yield subgraph
    await subgraph.close()


async def _run(products: Subgraph, document: str, caller: Caller = ADMIN, **variables: Any) -> dict[str, Any]:
    result = await products.executor.execute(document, variables, caller=caller)
    if result.errors or result.data is None:
        raise AssertionError(result.errors)
    return result.data


async def _refused(products: Subgraph, attempt: Attempt) -> str | None:
    """Send it; give the code by which it is refused."""
    result = await products.executor.execute(attempt.document, dict(attempt.variables), caller=attempt.caller)
    if result.errors:
        return str(result.errors[0]["extensions"]["code"])
    [payload] = (result.data or {}).values()
    return payload["errors"][0]["code"] if payload["errors"] else None


async def _edit(products: Subgraph, description: str, version: int) -> str | None:
    wanted = Attempt("", _UPDATE, {"input": {"description": description}, "version": version})
    return await _refused(products, wanted)


async def _insist(products: Subgraph, name: str, times: int) -> None:
    """Add paragraphs, each to the version that was read; whoever is late reads again."""
    for number in range(times):
        late: str | None = "STALE_VERSION"
        while late == "STALE_VERSION":
            read = (await _run(products, '{ product(id: "prod_00") { version description } }'))["product"]
            late = await _edit(products, f"{read['description']}<p>{name}{number}</p>", read["version"])
        if late:
            raise AssertionError(late)


async def _contents(database: Database) -> dict[str, str]:
    """Give a digest of each table."""
    statement = "SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} AS t"
    async with database.session() as session:
        return {name: await session.scalar(text(statement.format(name))) for name in sorted(METADATA.tables)}


async def _told(database: Database) -> Counter[str]:
    async with database.session() as session:
        return Counter((await session.execute(text("SELECT type FROM outbox"))).scalars())
