"""Clients that send what they should not, or nothing: each gets the answer of docs/http.md, and the router stays up."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "http.md"
YAML = "limits: {body_bytes: 5000}\nserver: {request_timeout: 2, keep_alive: 1}\n"
GRAPHQL = "application/graphql-response+json"
ASKED_FIRST = {"apollo-require-preflight": "1"}


def documented() -> dict[str, tuple[int, str]]:
    """Read the table of refusals: what comes in, and the status and the code of the answer."""
    table = DOCUMENT.read_text().partition("## What is refused, and how")[2]
    rows = re.findall(r"^\| (?!what |---)(.+?) \| (\d{3}) \| (?:`(\w+)` )?\|$", table, re.MULTILINE)
    return {what: (int(status), code) for what, status, code in rows}


def request(body: bytes | str = "", method: str = "POST", path: str = "/graphql", **headers: str) -> bytes:
    """Write a request; a header that is given empty is left out."""
    content = body.encode() if isinstance(body, str) else body
    given = {"host": "x", "accept": GRAPHQL, "content-type": "application/json" if method == "POST" else ""}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    if method == "POST":
        given.setdefault("content-length", str(len(content)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content


def asked(query: str, **more: Any) -> bytes:
    return request(json.dumps({"query": query, **more}))


def named(digest: Any, **more: Any) -> bytes:
    return request(json.dumps({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}, **more}))


REQUESTS = {
    "a body that is not JSON": request("{"),
    "an empty body": request(""),
    "JSON that is no object": request('"{ best { rating } }"'),
    "a key given twice": request('{"query": "{ a }", "query": "{ b }"}'),
    "no operation": request("{}"),
    "a document that is not GraphQL": asked("{"),
    "a document that is not valid": asked("{ unknown }"),
    "an operation name that is not there": asked("query A { __typename }", operationName="B"),
    "variables that do not fit": asked("query ($s: Float!) { slow(seconds: $s) }", variables={"s": "x"}),
    "a digest that is not known": named("0" * 64),
    "a digest of another document": named(hashlib.sha256(b"{ a }").hexdigest(), query="{ b }"),
    "a digest in a form that is not known": named(5),
    "a batch, where they are off": request('[{"query": "{ __typename }"}]'),
    "a GET that a foreign page could have caused": request(method="GET", path="/graphql?query={__typename}"),
    "another path": request("{}", path="/nowhere"),
    "another method": request(method="PATCH"),
    "a mutation by GET": request(method="GET", path="/graphql?query=mutation{touch}", **ASKED_FIRST),
    "an accept header without a type that can be sent": request("{}", accept="text/html"),
    "a content type other than JSON": request("query={a}", content_type="application/x-www-form-urlencoded"),
    "a form, where files are off": request("--x--\r\n", content_type="multipart/form-data; boundary=x"),
    "a body beyond `limits.body_bytes`": request('{"query": "' + "a" * 6_000 + '"}'),
    "an answer that takes longer than `server.request_timeout`": asked("{ slow(seconds: 30) }"),
    "a head of more than 64 KiB": request("{}", x="a" * 70_000),
    "bytes that are no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a body that does not arrive within `server.request_timeout`": request('{"query"', content_length="1000"),
}


@pytest.fixture(scope="module")
def router(start_lasting_router: Any, supergraph: Path) -> Any:
    return start_lasting_router(supergraph, yaml=YAML)


@pytest.fixture(autouse=True)
def _still_served(router: Any) -> Any:
    yield
    assert router.ask("{ best { rating } }") == {"data": {"best": {"rating": 4}}}


def connect(router: Any, **options: int) -> socket.socket:
    host, _, port = router.origin.removeprefix("http://").partition(":")
    client = socket.socket()
    client.settimeout(20)
    for name, value in options.items():
        client.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    client.connect((host, int(port)))
    return client


def answer_to(router: Any, sent: bytes) -> tuple[int, str]:
    """Send bytes, and return the status and the code of the answer."""
    with connect(router) as client, client.makefile("rb") as stream:
        with contextlib.suppress(OSError):
            client.sendall(sent)
        status = int(stream.readline().split()[1])
        headers = dict(line.lower().split(b": ", 1) for line in iter(lambda: stream.readline().strip(), b""))
        body = stream.read(int(headers[b"content-length"]))
    return status, json.loads(body)["errors"][0]["extensions"]["code"] if body else ""


def test_the_table_is_complete() -> None:
    assert documented().keys() == REQUESTS.keys()


@pytest.mark.parametrize("what", REQUESTS)
def test_what_is_refused_is_refused_as_documented(router: Any, what: str) -> None:
    assert answer_to(router, REQUESTS[what]) == documented()[what]


def test_idle_and_half_open_connections_are_closed(router: Any) -> None:
    """Some never say a word, some have had their answer, some take their leave before it: none stays."""
    silent, answered, left = connect(router), connect(router), connect(router)
    with silent, answered, left:
        answered.sendall(asked("{ best { rating } }"))
        left.sendall(asked("{ slow(seconds: 60) }"))
        left.shutdown(socket.SHUT_WR)

        assert left.recv(1) == b""
        assert silent.recv(1) == b""
        assert b" 200 " in answered.recv(65_536)
        assert answered.recv(1) == b""


def test_a_client_that_takes_none_of_its_answers_is_cut_off(router: Any) -> None:
    long = asked(
        "{ " + " ".join(f"a{index}: __schema {{ types {{ name description }} }}" for index in range(80)) + " }"
    )
    count, taken = 200, 0
    with connect(router, SO_RCVBUF=4_096) as client:
        client.settimeout(0.5)
        with contextlib.suppress(TimeoutError, ConnectionError):
            for _ in range(count):
                client.sendall(long)
        deadline = time.monotonic() + 30
        while open_connections(router) > 0:
            assert time.monotonic() < deadline, "the connection is still there"
            time.sleep(0.05)
        with contextlib.suppress(OSError):
            while piece := client.recv(65_536):
                taken += len(piece)

    assert taken < count * len(long)


def open_connections(router: Any) -> int:
    """Return how many connections of clients the router has."""
    port = int(router.origin.rpartition(":")[2])
    lines = Path(f"/proc/{router.process.pid}/net/tcp").read_text().splitlines()[1:]
    return sum(1 for line in lines if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "01")
