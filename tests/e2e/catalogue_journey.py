"""An administrator works on the catalogue of a running store: a picture, a file of products to and fro, a document."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image

from tests.prove.checkout import graphql, log_in

ANNOUNCE = """mutation ($input: UploadCreateInput!) {
    uploadCreate(input: $input) { ticket { id url method headers { name value } } errors { message } } }"""
SHOW = """mutation ($product: ID!, $upload: ID!) {
    productMediaAdd(productId: $product, uploadId: $upload, input: {alt: "A picture"}) { errors { message } } }"""
MEDIA = "query ($slug: String!) { product(slug: $slug) { media { alt widths url(width: 300) } document { content } } }"
IMPORT = """mutation ($upload: ID!) {
    productsImport(input: {uploadId: $upload, format: JSON_LINES}) { transfer { id } errors { message } } }"""
EXPORT = "mutation { productsExport(input: {format: JSON_LINES}) { transfer { id } errors { message } } }"
TRANSFER = "query ($id: ID!) { productTransfer(id: $id) { state created refused exported url reason } }"
DOCUMENT = (
    "mutation ($id: ID!, $content: JSON!) { productDocumentSet(id: $id, content: $content) { errors { message } } }"
)
PATIENCE = 60.0


def walk(url: str) -> None:
    """Walk through it; all bytes go through the store's own door."""
    store, token = url.removesuffix("/graphql"), log_in(url, "admin")

    def ask(document: str, **variables: Any) -> Any:
        answer = graphql(url, document, variables, token)
        assert "errors" not in answer, answer
        (payload,) = answer["data"].values()
        assert not payload.get("errors"), payload
        return payload

    slug = f"journey-{uuid4().hex[:8]}"
    line = {"slug": slug, "name": "Journey", "type": "Lamp", "variants": [{"sku": slug, "prices": {"EUR": "9.50"}}]}
    bad = {**line, "slug": f"{slug}-bad", "variants": [{"sku": f"{slug}-bad", "prices": {"EUR": "-1.00"}}]}
    file = "\n".join(map(json.dumps, (line, bad))).encode()
    imported = ask(IMPORT, upload=hand_in(store, ask, file, "application/x-ndjson"))["transfer"]
    done = until(lambda: ask(TRANSFER, id=imported["id"]), lambda found: found["state"] != "RUNNING")
    assert (done["state"], done["created"], done["refused"]) == ("DONE", 1, 1)

    product = ask("query ($slug: String!) { product(slug: $slug) { id } }", slug=slug)["id"]
    picture = BytesIO()
    Image.new("RGB", (800, 600), "teal").save(picture, "PNG")
    ask(SHOW, product=product, upload=hand_in(store, ask, picture.getvalue(), "image/png"))
    ask(DOCUMENT, id=product, content={"material": "brass"})
    shown = until(lambda: ask(MEDIA, slug=slug), lambda found: found["media"][0]["widths"])
    assert shown["document"]["content"] == {"material": "brass"}
    small = httpx.get(f"{store}{shown['media'][0]['url']}")
    assert Image.open(BytesIO(small.content)).size == (320, 240)
    assert httpx.get(f"{store}{shown['media'][0]['url']}0").status_code == 403

    exported = ask(EXPORT)["transfer"]
    done = until(lambda: ask(TRANSFER, id=exported["id"]), lambda found: found["state"] != "RUNNING")
    lines = httpx.get(f"{store}{done['url']}").text.splitlines()
    assert len(lines) == done["exported"]
    assert slug in {json.loads(each)["slug"] for each in lines}


def hand_in(store: str, ask: Callable[..., Any], data: bytes, media_type: str) -> str:
    """Announce bytes and put them where the ticket says; give the upload's id."""
    ticket = ask(ANNOUNCE, input={"fileName": "journey", "mediaType": media_type, "size": len(data)})["ticket"]
    headers = {each["name"]: each["value"] for each in ticket["headers"]}
    put = httpx.request(ticket["method"], f"{store}{ticket['url']}", content=data, headers=headers)
    assert put.is_success, put.text
    return str(ticket["id"])


def until(look: Callable[[], Any], ready: Callable[[Any], Any]) -> Any:
    """Look until it is ready, and give what was seen then."""
    over = time.monotonic() + PATIENCE
    while not ready(found := look()):
        assert time.monotonic() < over, found
        time.sleep(0.1)
    return found
