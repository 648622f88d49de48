"""Answers that no subgraph should give: what is written to the router when `item(how:)` is asked by that name."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator

from tests.router.robustness.subgraphs import HEAD, Write, item, sized

MEGABYTE = b"x" * 1_000_000


def text_of(megabytes: int) -> Iterator[bytes]:
    """Yield a good answer with one very long text in it."""
    yield b'{"data":{"item":{"id":"1","name":"'
    for _ in range(megabytes):
        yield MEGABYTE
    yield b'"}}}'


def announced(megabytes: int) -> Write:
    async def write(writer: asyncio.StreamWriter) -> None:
        length = sum(map(len, text_of(megabytes)))
        writer.write(HEAD + b"content-length: %d\r\n\r\n" % length)
        for part in text_of(megabytes):
            writer.write(part)
            await writer.drain()

    return write


def chunked(megabytes: int) -> Write:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        for part in text_of(megabytes):
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    return write


async def until_closed(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"connection: close\r\n\r\n")
    for part in text_of(100):
        writer.write(part)
        await writer.drain()
    writer.close()


async def endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    for _ in range(100):
        writer.write(b"x-" + MEGABYTE + b": y\r\n")
        await writer.drain()
    writer.write(b"content-length: 2\r\n\r\n{}")


async def many_heads(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    for _ in range(1_000):
        writer.write(b"x-more: abcdefghijklmnopqrstuvwxyz\r\n" * 1_000)
        await writer.drain()
    writer.write(b"content-length: 2\r\n\r\n{}")


async def nothing(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def after_two_seconds(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(2)
    writer.write(sized(item()))


async def drop_by_drop(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"content-length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def cut_short(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"content-length: 1000\r\n\r\n{")
    writer.close()


def bomb() -> bytes:
    packed = gzip.compress(b"".join(text_of(100)), 6)
    return sized(packed, HEAD + b"content-encoding: gzip\r\n")


def errors(count: int) -> bytes:
    return json.dumps({"data": None, "errors": [{"message": f"m{n}"} for n in range(count)]}).encode()


def deep(depth: int) -> str:
    return "[" * depth + "]" * depth


LARGE = {
    "100 MB": announced(100),
    "100 MB in chunks": chunked(100),
    "100 MB until closed": until_closed,
    "100 MB unpacked": bomb(),
    "100 MB of a header": endless_head,
    "35 MB of headers": many_heads,
}
LATE = {"nothing": nothing, "drop by drop": drop_by_drop}
BROKEN = {
    "cut short": cut_short,
    "empty": b"",
    "HTML": sized(b"<html>oops</html>", b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\n"),
    "no HTTP": b"HTTP/9.9 hello\r\n\r\n",
    "redirect": sized(b"", b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n"),
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "no data": b"{}",
    "data is a list": b'{"data":[]}',
    "errors is a text": b'{"data":null,"errors":"no"}',
    "invalid UTF-8": b'{"data":{"item":{"id":"\xff"}}}',
    "not a number": b'{"data":{"item":{"id":"1","size":NaN}}}',
    "nested 100,000 deep": b'{"data":' + b"[" * 100_000,
    "null for what must be": b'{"data":{"item":{"id":null}}}',
    "a list for an object": b'{"data":{"item":[{"id":"1"}]}}',
    "100,000 errors": errors(100_000),
    "strange errors": json.dumps(
        {"data": None, "errors": [1, None, [], {"path": 1}, {"path": [{}], "message": {}}, {"locations": 7}]}
    ).encode(),
    "errors nested deep": b'{"data":null,"errors":[{"message":"m","extensions":{"x":%b}}]}' % deep(500).encode(),
}
GOOD = {
    "ok": item(size=3),
    "duplicate keys": b'{"data":{"item":{"id":"0","id":"1","name":"n"}}}',
    "unasked fields": item(size=3, secret="hidden", __typename="Item"),
    "anything deep": b'{"data":{"item":{"id":"1","name":"n","any":%b}}}' % deep(900).encode(),
    "anything huge": b'{"data":{"item":{"id":"1","name":"n","any":%b}}}' % (b"9" * 300),
    "20 MB": announced(20),
}
SLOW = {"after two seconds": after_two_seconds}
BEHAVIOURS: dict[str, bytes | Write] = {**LARGE, **LATE, **BROKEN, **GOOD, **SLOW}
