"""Forms with files: what is taken, and every way in which one can be wrong."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from router.execution.exchange import GraphQLRequest, GraphQLResponse, Outcome, RequestContext
from router.execution.uploads import find_uploads

YAML = "uploads: {enabled: true, files: 3, file_bytes: 100000, request_bytes: 1000000}"
HEADERS = {"apollo-require-preflight": "1", "content-type": "multipart/form-data; boundary=x"}
QUERY = "mutation ($file: Upload!) { store(file: $file) }"


@pytest.fixture
def read(engine: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an engine finds that reads all files: their paths with name, type and content."""
    found: dict[str, Any] = {}

    async def execute(request: GraphQLRequest, context: RequestContext) -> GraphQLResponse:
        engine.asked.append((request, context))
        for path, upload in sorted(find_uploads(request.variables), reverse="reverse" in request.query):
            content = b"".join([piece async for piece in upload.chunks()])
            found[path] = (upload.filename, upload.content_type, content)
        return GraphQLResponse(Outcome.EXECUTED, data={"stored": len(found)})

    monkeypatch.setattr(engine, "execute", execute)
    return found


def part(name: str, content: bytes | str, filename: str | None = None, content_type: str | None = None) -> bytes:
    content = content if isinstance(content, bytes) else content.encode()
    head = f'content-disposition: form-data; name="{name}"'
    head += "" if filename is None else f'; filename="{filename}"'
    head += "" if content_type is None else f"\r\ncontent-type: {content_type}"
    return f"--x\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def form(operations: Any, places: Any, *files: bytes) -> bytes:
    head = part("operations", json.dumps(operations)) + part("map", json.dumps(places))
    return head + b"".join(files) + b"--x--\r\n"


def one(variables: Any = None, query: str = QUERY) -> dict[str, Any]:
    return {"query": query, "variables": {"file": None} if variables is None else variables}


def in_pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    return pieces()


async def send(connect: Any, body: Any, yaml: str = YAML, **headers: str) -> httpx.Response:
    return await connect(yaml).post("/graphql", content=body, headers={**HEADERS, **headers})


@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_a_file_is_read_however_it_arrives(connect: Any, read: Any, size: int) -> None:
    content = bytes(range(256)) * 5 + b"\r\n--x\r--xx\r\n-"
    body = form(one(), {"0": ["variables.file"]}, part("0", content, "é a.png", "image/png"))

    response = await send(connect, in_pieces(body, size))

    assert (response.status_code, response.json()) == (200, {"data": {"stored": 1}})
    assert read == {"variables.file": ("é a.png", "image/png", content)}


@pytest.mark.parametrize("query", [QUERY, f"{QUERY} # reverse"])
async def test_files_are_read_in_any_order_and_more_than_once(connect: Any, read: Any, query: str) -> None:
    variables = {"list": [None, None], "deep": {"file": None}, "same": None}
    places = {"a": ["variables.list.0"], "b": ["variables.list.1", "variables.same"], "c": ["variables.deep.file"]}
    files = [part("a", b"A" * 90_000, "a"), part("b", b"B", "b"), part("c", b"", "c")]

    response = await send(connect, form(one(variables, query), places, *files))

    assert response.status_code == 200
    assert {path: (name, len(content)) for path, (name, _, content) in read.items()} == {
        "variables.list.0": ("a", 90_000),
        "variables.list.1": ("b", 1),
        "variables.same": ("b", 1),
        "variables.deep.file": ("c", 0),
    }


async def test_forms_are_taken_only_where_that_is_set(connect: Any, read: Any) -> None:
    response = await send(connect, form(one(), {"0": ["variables.file"]}, part("0", b"a", "a")), yaml="")

    assert response.status_code == 415


async def test_a_foreign_page_could_send_a_form(connect: Any, read: Any) -> None:
    response = await send(connect, form(one(), {"0": ["variables.file"]}), **{"apollo-require-preflight": ""})

    assert response.json()["errors"][0]["extensions"]["code"] == "CSRF_ERROR"


PLACE = {"0": ["variables.file"]}
FILE = part("0", b"a", "a")
INVALID = "INVALID_MULTIPART_REQUEST"
BAD = {
    "nothing": (b"", INVALID),
    "no parts": (b"--x--\r\n", INVALID),
    "not multipart": (b"a" * 1_000, INVALID),
    "cut in a head": (form(one(), PLACE, FILE)[:20], INVALID),
    "cut in a file": (form(one(), PLACE, part("0", b"a" * 5_000))[:-3_000], INVALID),
    "no operations": (part("map", "{}") + b"--x--\r\n", INVALID),
    "map first": (part("map", "{}") + part("operations", "{}") + b"--x--\r\n", INVALID),
    "operations not JSON": (part("operations", "{") + part("map", "{}") + b"--x--\r\n", "INVALID_GRAPHQL_REQUEST"),
    "operations without a query": (form({}, PLACE, FILE), "MISSING_QUERY_STRING"),
    "a batch": (form([one()], PLACE, FILE), INVALID),
    "map not JSON": (part("operations", json.dumps(one())) + part("map", "{") + b"--x--\r\n", INVALID),
    "map a list": (form(one(), [], FILE), INVALID),
    "map empty": (form(one(), {}, FILE), INVALID),
    "map of texts": (form(one(), {"0": "variables.file"}, FILE), INVALID),
    "map of numbers": (form(one(), {"0": [1]}, FILE), INVALID),
    "map to nowhere": (form(one(), {"0": ["variables.other"]}, FILE), INVALID),
    "map beyond a list": (form(one({"file": [None]}), {"0": ["variables.file.1"]}, FILE), INVALID),
    "map into a text": (form(one({"file": "a"}), PLACE, FILE), INVALID),
    "map into the query": (form(one(), {"0": ["query"]}, FILE), INVALID),
    "map with a huge index": (form(one({"file": [None]}), {"0": ["variables.file." + "9" * 5_000]}, FILE), INVALID),
    "one place twice": (form(one(), {"0": ["variables.file"], "1": ["variables.file"]}, FILE), INVALID),
    "a file is missing": (form(one(), PLACE), INVALID),
    "an unknown file": (form(one(), PLACE, part("1", b"a", "a")), INVALID),
    "a head too long": (b'--x\r\ncontent-disposition: form-data; name="' + b"a" * 10_000, INVALID),
    "heads without end": (b"--x\r\n" + b"a: b\r\n" * 1_000, INVALID),
    "too many files": (form(one(), {str(i): ["variables.file"] for i in range(4)}), "MAX_FILES_LIMIT_EXCEEDED"),
    "10,000 parts": (form(one(), PLACE, FILE, *[part(str(i), b"") for i in range(10_000)]), ""),
    "10,000 files": (
        form(one({"file": [None] * 10_000}), {str(i): [f"variables.file.{i}"] for i in range(10_000)}),
        "MAX_FILES_LIMIT_EXCEEDED",
    ),
    "a file too large": (form(one(), PLACE, part("0", b"a" * 100_001)), "MAX_FILE_SIZE_LIMIT_EXCEEDED"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_form(connect: Any, read: Any, name: str) -> None:
    body, expected = BAD[name]

    response = await send(connect, in_pieces(body, 4_096))

    answer = response.json()
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    assert codes == ([expected] if expected else [])
    assert response.status_code == (200 if not expected else 413 if expected.startswith("MAX") else 400)


async def test_a_request_beyond_its_bound(connect: Any, read: Any) -> None:
    files = [part(key, b"a" * 90_000, "a") for key in "abc"]
    places = {key: [f"variables.{key}"] for key in "abc"}

    response = await send(connect, form(one(dict.fromkeys("abc")), places, *files), YAML.replace("1000000", "250000"))

    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=" + "a" * 300])
async def test_a_form_without_a_boundary(connect: Any, read: Any, content_type: str) -> None:
    response = await send(connect, form(one(), PLACE, FILE), **{"content-type": content_type})

    assert response.status_code == 415
