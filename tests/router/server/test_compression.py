"""Compressed responses."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import brotli
import pytest
from backports import zstd

from router.execution.exchange import GraphQLResponse, Outcome
from router.server import compression
from router.server.compression import choose

OFFERS = ("zstd", "br", "gzip")
HELLO = {"query": "{ hello }"}
LONG = GraphQLResponse(Outcome.EXECUTED, data={"hello": "world" * 1_000})
UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (b"gzip", "gzip"),
        (b"GZIP, deflate, br", "br"),
        (b"gzip, deflate, br, zstd", "zstd"),
        (b"br;q=0.9, gzip;q=1.0", "gzip"),
        (b"zstd;q=0, *", "br"),
        (b"*", "zstd"),
        (b"*;q=0", None),
        (b"identity", None),
        (b"", None),
        (b"gzip;q=nonsense", None),
        (b"deflate, compress", None),
    ],
)
def test_the_client_chooses_first_and_the_server_among_equals(accept: bytes, expected: str | None) -> None:
    assert choose(accept, OFFERS) == expected


@pytest.mark.parametrize("encoding", OFFERS)
async def test_a_long_answer_is_compressed(connect: Any, engine: Any, encoding: str) -> None:
    engine.result = LONG

    async with connect().stream("POST", "/graphql", json=HELLO, headers={"accept-encoding": encoding}) as response:
        body = b"".join([part async for part in response.aiter_raw()])

    assert UNPACK[encoding](body) == LONG.body
    assert response.headers["content-encoding"] == encoding
    assert int(response.headers["content-length"]) == len(body) < 200
    assert "accept-encoding" in response.headers["vary"]


async def test_a_short_answer_is_not(connect: Any) -> None:
    response = await connect().post("/graphql", json=HELLO, headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(("yaml", "accept"), [("compression: {enabled: false}", "gzip"), ("", "identity")])
async def test_nobody_is_forced(connect: Any, engine: Any, yaml: str, accept: str) -> None:
    engine.result = LONG

    response = await connect(yaml).post("/graphql", json=HELLO, headers={"accept-encoding": accept})

    assert "content-encoding" not in response.headers
    assert response.content == LONG.body


async def test_equal_answers_are_compressed_once(connect: Any, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def count(body: bytes) -> bytes:
        made.append(len(body))
        return gzip.compress(body)

    monkeypatch.setattr(compression, "_ENCODERS", {"gzip": count})
    for size in (1_000, 100_000):
        engine.result = GraphQLResponse(Outcome.EXECUTED, data={"hello": "world" * size})
        client = connect("compression: {encodings: [gzip]}", headers={"accept-encoding": "gzip"})

        await asyncio.gather(*(client.post("/graphql", json=HELLO) for _ in range(5)))

    assert len(made) == 2


async def test_pages_that_are_compressed_already_stay_as_they_are(connect: Any) -> None:
    page = (await connect().get("/", headers={"accept": "text/html", "accept-encoding": "gzip"})).text
    assert "html" in page
